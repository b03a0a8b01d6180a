/** The native reference: built when a compiler is there, else every ratio to it is left out. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface NativeRing {
  readonly ms: number;
  readonly checksum: number;
  readonly kicks: number;
  readonly interrupts: number;
}

export interface NativeOptions {
  readonly publish: "each" | "batch";
  readonly wait: "poll" | "sleep";
  readonly size: number;
  readonly batch: number;
  /** Buffers out at once, at most. */
  readonly outstanding: number;
  /** How many there are, used again in turn. */
  readonly buffers: number;
  readonly count: number;
  /** Rounds before the one that is timed. */
  readonly warmUps: number;
}

let program: string | null | undefined;

/** Whether `nativeRing` has something to run. */
export function nativeAvailable(): boolean {
  program ??= build();
  return program !== null;
}

export function nativeRing(options: NativeOptions): NativeRing {
  const { publish, wait, size, batch, outstanding, buffers, count, warmUps } = options;
  if (!nativeAvailable() || typeof program !== "string") throw new Error("there is no native reference");
  const { stdout, stderr, status } = spawnSync(
    program,
    [publish, wait, ...[size, batch, outstanding, buffers, count, warmUps].map(String)],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`the native reference failed (${status}): ${stderr}`);
  return JSON.parse(stdout) as NativeRing;
}

function build(): string | null {
  const folder = mkdtempSync(join(tmpdir(), "virtlab-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const source = fileURLToPath(new URL("../native/ring.c", import.meta.url));
  const target = join(folder, "ring");
  const flags = ["-O2", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-pthread"];
  const { status } = spawnSync("cc", [...flags, "-o", target, source], { stdio: "ignore" });
  return status === 0 ? target : null;
}
