/** Rings a doorbell as soon as so many sleeps are announced on it, `rounds` times. */
import { parentPort, workerData } from "node:worker_threads";
import { attachMemory, type SharedBuffer } from "../../src/memory/attach.ts";
import { Doorbell } from "../../src/memory/doorbell.ts";

export interface RingerData {
  readonly buffer: SharedBuffer;
  readonly bell: number;
  readonly sleepers: number;
  /** Word that the ringer counts up, as its work, before each ring. */
  readonly work: number;
  readonly rounds: number;
}

const { buffer, bell, sleepers, work, rounds } = workerData.data as RingerData;
const memory = attachMemory(buffer);
const doorbell = new Doorbell(memory, bell);
parentPort?.postMessage("ready");
for (let round = 0; round < rounds; round++) {
  // The sleeper takes the work before the next round begins.
  while (memory.load32(work, 0) !== 0 || doorbell.describe().sleepers < sleepers);
  memory.store32(work, 1, 0);
  doorbell.ring();
}
