/** Frames to a loop back-end and back, so many at once on each of so many queue pairs, timed. */
import { net } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";
import { FLOW_NUMBER_AT, flowFrame } from "../../src/machine/workloads/flow.ts";
import { getBe32, putBe32 } from "../../src/wire/inet.ts";

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
    checksum += getBe32(frame, FLOW_NUMBER_AT);
    if (++received === count) finish();
  });
  let next = 0;
  const lane = async (pair: number): Promise<void> => {
    // The device answers a flow on the pair that it was sent on.
    const frame = flowFrame(bytes, pair, 0);
    while (next < count) {
      putBe32(frame, FLOW_NUMBER_AT, next++);
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
