/** The line that every result is worth nothing without. */
import { availableParallelism, cpus, loadavg, release, type } from "node:os";
import { median } from "simple-statistics";
import { startPingPong } from "./ping-pong.ts";

export interface Environment {
  readonly node: string;
  readonly v8: string;
  readonly cpu: string;
  readonly cores: number;
  readonly os: string;
  /** One-minute load average when the run began: other people's work. */
  readonly load: number;
  /** One bare round trip between two threads, in nanoseconds: how far apart the two cores happen to be. */
  readonly roundTripNs: number;
  readonly date: string;
}

const TRIPS = 5_000;

export async function environment(): Promise<Environment> {
  return {
    node: process.version,
    v8: process.versions.v8,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    os: `${type()} ${release()}`,
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    roundTripNs: await roundTripNs(),
    date: new Date().toISOString(),
  };
}

async function roundTripNs(): Promise<number> {
  const floor = await startPingPong();
  const times: number[] = [];
  for (let round = 0; round < 5; round++) times.push(await floor.round(TRIPS));
  await floor.stop();
  return Math.round((median(times) * 1e6) / TRIPS);
}

export const environmentLine = (env: Environment): string =>
  `Node ${env.node} (V8 ${env.v8}), ${env.cores} x ${env.cpu}, ${env.os}, load ${env.load}, ` +
  `round trip ${env.roundTripNs} ns, ${env.date}`;
