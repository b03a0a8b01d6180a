/** A copy of the sources with something taken out: what a build without it would be. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COPIED = ["package.json", "src", "workers", "bench/guests"];

export interface Tree {
  /** A file of the copy. */
  url(path: string): URL;
  remove(): void;
}

/** `changes`: by file, what becomes of its text. A change that changes nothing is out of date. */
export async function copyTree(
  changes: Readonly<Record<string, (text: string) => string>> = {},
): Promise<Tree> {
  const folder = mkdtempSync(join(tmpdir(), "virtlab-bench-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    for (const path of COPIED) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
    linkPackages(join(ROOT, "node_modules"), join(folder, "node_modules"));
    for (const [path, change] of Object.entries(changes)) {
      const before = readFileSync(join(folder, path), "utf8");
      const after = change(before);
      if (after === before) throw new Error(`${path} is not what it was when its change was written`);
      writeFileSync(join(folder, path), after);
    }
  } catch (error) {
    remove();
    throw error;
  }
  process.once("exit", remove);
  const url = (path: string): URL => pathToFileURL(join(folder, path));
  // The sources' loader is for its own tree alone.
  await import(url("workers/typescript.mjs").href);
  return { url, remove };
}

/** Each by itself: what is kept of compiled sources beside them is not for a copy that goes away. */
function linkPackages(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from))
    if (!name.startsWith(".")) symlinkSync(join(from, name), join(to, name));
}
