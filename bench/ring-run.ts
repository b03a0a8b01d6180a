/** One queue between this thread, the driver, and a peer, the device: rounds of a given number of buffers. */

import { allocateShared, attachMemory } from "../src/memory/attach.ts";
import { Doorbell } from "../src/memory/doorbell.ts";
import { LatencyHistogram, type LatencySummary } from "../src/observe/record/histogram.ts";
import { queuePair, ramBytes } from "../test/virtqueue/queue-pair.ts";
import { patience } from "./harness/patience.ts";
import { Peer } from "./harness/peer.ts";
import {
  BUFFER_STRIDE,
  bufferBytes,
  CONTROL,
  type RingCounts,
  type RingData,
  type RingShape,
  raiseFlag,
} from "./ring.data.ts";
import { RingDriver } from "./ring-driver.ts";

export interface RingRound {
  readonly ms: number;
  readonly kicks: number;
  readonly interrupts: number;
  /** Wake-ups of either side that found nothing. */
  readonly spurious: number;
}

export interface RingRun {
  /** The last `count` buffers are timed, after `warmUps` times as many: see `native/ring.c` for why. */
  round(count: number, warmUps?: number): Promise<RingRound>;
  /** Buffers one at a time, each timed. */
  trips(count: number): Promise<LatencySummary>;
  stop(): Promise<void>;
}

export const DEFAULT_SHAPE: RingShape = {
  size: 256,
  batch: 64,
  outstanding: 256,
  eventIndex: true,
  indirect: false,
  segments: 1,
  wait: "poll",
  spins: 0,
  buffers: 256,
};

export async function startRing(shape: RingShape, memoryBytes = 0): Promise<RingRun> {
  const { size } = shape;
  const tables = shape.indirect ? 64 * size : 0;
  const spare = 2 * Math.max(tables, shape.buffers * BUFFER_STRIDE);
  const ram = attachMemory(allocateShared(Math.max(memoryBytes, ramBytes(size, spare))));
  const control = attachMemory(allocateShared(CONTROL.bytes));
  const deviceBell = new Doorbell(control, CONTROL.deviceBell);
  const { driver, buffers } = queuePair<number>({
    ...shape,
    memory: ram,
    spare,
    onKick: () => raiseFlag(control, deviceBell, CONTROL.kicked),
  });
  const side = new RingDriver(driver, buffers, control, shape);
  const data: RingData = { ...shape, ram: ram.buffer, control: control.buffer };
  const peer = await Peer.start(new URL("ring.thread.ts", import.meta.url), { ...data });
  let rounds = 0;

  /** Returns when the device is about to start. */
  function begin(count: number): void {
    side.begin();
    peer.tell({ round: ++rounds, count });
    for (let looks = 0; control.load32(CONTROL.round, 0) !== rounds; ) looks = patience(looks);
    driver.disableCallbacks();
  }

  async function trips(count: number): Promise<LatencySummary> {
    const histogram = new LatencyHistogram();
    begin(count);
    for (let trip = 0; trip < count; trip++) {
      const begun = performance.now();
      side.drive(1);
      histogram.record(performance.now() - begun);
    }
    await peer.answer();
    return histogram.summary();
  }

  async function round(count: number, warmUps = 0): Promise<RingRound> {
    const kicks = driver.counters.kicksSent;
    begin(count * (1 + warmUps));
    if (warmUps > 0) side.drive(count * warmUps);
    const begun = performance.now();
    side.drive(count);
    const ms = performance.now() - begun;
    const device = await peer.answer<RingCounts>();
    check(shape, [count * warmUps, count], side.checksum, device);
    return {
      ms,
      kicks: driver.counters.kicksSent - kicks,
      interrupts: device.interrupts,
      spurious: side.spurious + device.spurious,
    };
  }

  return { round, trips, stop: () => peer.stop() };
}

function check({ buffers }: RingShape, counts: readonly number[], sum: number, device: RingCounts): void {
  let expected = 0;
  for (const count of counts) {
    for (let number = 0; number < count; number++) expected += bufferBytes(number & (buffers - 1));
  }
  if (device.violations.length > 0) throw new Error(`violations: ${device.violations.join("; ")}`);
  if (sum !== expected || device.checksum !== expected) {
    throw new Error(`checksum ${sum} at the driver, ${device.checksum} at the device, expected ${expected}`);
  }
}
