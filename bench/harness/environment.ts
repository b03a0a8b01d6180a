/** The line that every result is worth nothing without. */
import { availableParallelism, cpus, loadavg, release, type } from "node:os";

export interface Environment {
  readonly node: string;
  readonly v8: string;
  readonly cpu: string;
  readonly cores: number;
  readonly os: string;
  /** One-minute load average when the run began: other people's work. */
  readonly load: number;
  readonly date: string;
}

export function environment(): Environment {
  return {
    node: process.version,
    v8: process.versions.v8,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    os: `${type()} ${release()}`,
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    date: new Date().toISOString(),
  };
}

export const environmentLine = (env: Environment): string =>
  `Node ${env.node} (V8 ${env.v8}), ${env.cores} x ${env.cpu}, ${env.os}, load ${env.load}, ${env.date}`;
