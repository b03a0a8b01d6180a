/** On each CPU: numbered frames of a flow of its own, sent on its own pair of queues, come back to it and in order. */
import { net } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";
import { ETHERTYPE, getBe32, IP_PROTOCOL, putBe16, putBe32 } from "../../src/wire/inet.ts";

export interface FlowResult {
  readonly cpu: number;
  readonly received: number;
  readonly wrong: number;
}

const FRAMES = 500;
const NUMBER = 42;
const SELF = new URL(import.meta.url);

export default defineGuest(async ({ virtio, cpu, cpus, runOn }): Promise<FlowResult[]> => {
  const nic = virtio.find(net);
  // Until the device has been told of the pairs that other CPUs have.
  while (cpu === 0 && nic.queuePairs < nic.queuePairsMax)
    await new Promise((resolve) => setImmediate(resolve));
  const others = Array.from({ length: cpu === 0 ? cpus - 1 : 0 }, (_, index) => runOn(index + 1, SELF));
  let [received, wrong] = [0, 0];
  let finish: () => void = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const stop = nic.onFrame((frame) => {
    if (frame[12] !== 0x08 || getBe32(frame, NUMBER) !== cpu * FRAMES + received) wrong++;
    if (++received === FRAMES) finish();
  });
  const frame = (index: number): Uint8Array => {
    const bytes = new Uint8Array(64 + (index % 1400));
    putBe16(bytes, 12, ETHERTYPE.IPV4);
    bytes[14] = 0x45;
    bytes[23] = IP_PROTOCOL.UDP;
    putBe16(bytes, 34, 10_000 + cpu);
    putBe32(bytes, NUMBER, cpu * FRAMES + index);
    return bytes;
  };
  await Promise.all(Array.from({ length: FRAMES }, (_, index) => nic.send(frame(index))));
  await finished;
  stop();
  return [{ cpu, received, wrong }, ...((await Promise.all(others)) as FlowResult[][]).flat()];
});
