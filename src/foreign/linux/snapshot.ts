/**
 * Booted machines in the user's cache: a header that tells a damaged file, then v86's state. A snapshot has no
 * devices of ours in it (they are plugged in after it is restored), so one serves every set of them.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cacheFolder } from "./cache.ts";

const MAGIC = Buffer.from("virtlab snapshot 1\n");
const DIGEST_BYTES = 32;
const KEPT = 4;

export const snapshotFile = (key: string): string => cacheFolder("linux", "snapshots", `${key}.state`);

export type LoadedSnapshot = { readonly state: ArrayBuffer } | "none" | "damaged";

export async function loadSnapshot(file: string): Promise<LoadedSnapshot> {
  const bytes = await readFile(file).catch(() => undefined);
  if (bytes === undefined) return "none";
  const digest = bytes.subarray(MAGIC.length, MAGIC.length + DIGEST_BYTES);
  const state = bytes.subarray(MAGIC.length + DIGEST_BYTES);
  const whole = bytes.subarray(0, MAGIC.length).equals(MAGIC) && digestOf(state).equals(digest);
  return whole
    ? { state: state.buffer.slice(state.byteOffset, state.byteOffset + state.length) as ArrayBuffer }
    : "damaged";
}

/** Whole or not at all; older ones make room. Returns why there is none, where the cache takes none. */
export async function saveSnapshot(file: string, state: ArrayBuffer): Promise<string | undefined> {
  const bytes = new Uint8Array(state);
  const fresh = `${file}.${process.pid}`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(fresh, Buffer.concat([MAGIC, digestOf(bytes), bytes]));
    await rename(fresh, file);
    await removeOld(dirname(file), file);
    return undefined;
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => undefined);
    return (error as Error).message;
  }
}

async function removeOld(folder: string, newest: string): Promise<void> {
  const others = (await readdir(folder)).map((name) => join(folder, name)).filter((path) => path !== newest);
  for (const path of others.slice(0, Math.max(0, others.length + 1 - KEPT))) await rm(path, { force: true });
}

const digestOf = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();
