/**
 * Crash consistency: a process that writes through the driver to a file disk is killed at random moments, and
 * everything that it was told was safe is in the file. `VIRTLAB_KILLS` says how often; 50 under CI.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fromSources } from "../support/cli.ts";
import { DISK_BYTES, type Mode, RECORD_BYTES, record } from "./records.ts";

const KILLS = Number(process.env.VIRTLAB_KILLS ?? (process.env.CI ? 50 : 3));
const KILL_MS_MAX = 200;
/** A start of the process, its life and the look at its file, with room for a busy machine. */
const ROUND_MS_MAX = 20_000;
const WRITER = fileURLToPath(new URL("./writer.ts", import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "virtlab-crash-"));
});
afterEach(() => rm(folder, { recursive: true }));

test.each(["writeback", "writethrough"] as const)(
  `${KILLS} kills, %s: every write that was safe is found`,
  async (mode) => {
    const found: number[] = [];
    for (let round = 0; round < KILLS; round++)
      found.push(await killOnce(mode, join(folder, `${round}.img`)));
    process.stdout.write(`${mode}: records safe at the kill, all found: ${found.join(" ")}\n`);
    expect(Math.min(...found)).toBeGreaterThan(0);
  },
  KILLS * ROUND_MS_MAX,
);

/** Returns how many records were safe; each was found. */
async function killOnce(mode: Mode, path: string): Promise<number> {
  const file = await open(path, "w+");
  await file.truncate(DISK_BYTES);
  const writer = spawn(process.execPath, [...fromSources(WRITER), path, mode], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  writer.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  await once(writer.stdout, "data");
  await new Promise((resolve) => setTimeout(resolve, Math.random() * KILL_MS_MAX));
  writer.kill("SIGKILL");
  await once(writer, "close");
  const safe = lastWholeLine(said);
  const missing = await missingRecords(file, safe);
  await file.close();
  await rm(path);
  expect(missing, `${mode}: of ${safe} safe records`).toEqual([]);
  return safe;
}

const lastWholeLine = (text: string): number => Number(text.split("\n").at(-2) ?? 0);

async function missingRecords(file: Awaited<ReturnType<typeof open>>, safe: number): Promise<number[]> {
  const missing: number[] = [];
  const bytes = Buffer.alloc(RECORD_BYTES);
  for (let number = 1; number <= safe; number++) {
    await file.read(bytes, 0, RECORD_BYTES, number * RECORD_BYTES);
    if (!bytes.equals(record(number))) missing.push(number);
  }
  return missing;
}
