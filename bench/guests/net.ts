/** Frames to a loop back-end and back, so many at once on each of so many queue pairs, timed. */
import { net } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";
import { ETHERTYPE, getBe32, IP_PROTOCOL, putBe16, putBe32 } from "../../src/wire/inet.ts";
import { ETHERNET_HEADER_BYTES } from "../../src/wire/net.ts";

export interface NetArgs {
  readonly bytes: number;
  readonly pairs: number;
  /** Frames out at once, over all pairs. */
  readonly outstanding: number;
  readonly count: number;
}

export interface NetResult {
  readonly ms: number;
  /** Sum of the numbers in the frames that came back. */
  readonly checksum: number;
}

const IP = ETHERNET_HEADER_BYTES;
const UDP = IP + 20;
const NUMBER = UDP + 8;
const FIRST_PORT = 10_000;

/** A UDP packet of the pair's own flow: the device answers a flow on the pair that it was sent on. */
function flowFrame(bytes: number, pair: number): Uint8Array {
  const frame = new Uint8Array(bytes);
  putBe16(frame, IP - 2, ETHERTYPE.IPV4);
  frame[IP] = 0x45;
  putBe16(frame, IP + 2, bytes - IP);
  frame[IP + 9] = IP_PROTOCOL.UDP;
  putBe16(frame, UDP, FIRST_PORT + pair);
  putBe16(frame, UDP + 4, bytes - UDP);
  return frame;
}

export default defineGuest(async ({ virtio, args }): Promise<NetResult> => {
  const { bytes, pairs, outstanding, count } = args as NetArgs;
  const nic = virtio.find(net);
  if (nic.queuePairs !== pairs) await nic.setQueuePairs(pairs);
  let checksum = 0;
  let received = 0;
  let finish: () => void = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const stop = nic.onFrame((frame) => {
    checksum += getBe32(frame, NUMBER);
    if (++received === count) finish();
  });
  let next = 0;
  const lane = async (pair: number): Promise<void> => {
    const frame = flowFrame(bytes, pair);
    while (next < count) {
      putBe32(frame, NUMBER, next++);
      await nic.send(frame, { pair });
    }
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: outstanding }, (_, index) => lane(index % pairs)));
  await finished;
  const ms = performance.now() - begun;
  stop();
  return { ms, checksum };
});
