/** Where what was fetched and what was booted is kept for the next time: the user's cache folder. */
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";

/** $XDG_CACHE_HOME/virtlab, or ~/.cache/virtlab. */
export const cacheFolder = (...names: string[]): string =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "virtlab", ...names);

/** A name for what these parts make: the same parts give the same name. */
export function keyOf(...parts: (string | number | boolean | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    const bytes = part instanceof Uint8Array ? part : Buffer.from(String(part));
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest("hex").slice(0, 24);
}
