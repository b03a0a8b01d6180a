/**
 * A temporary folder that is removed when the process ends in whatever way it can notice; the next run removes what a
 * killed one left behind.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** At an exit threads and children that are about to end may still add files. */
const REMOVALS_MAX = 100;

export class TemporaryFolder {
  readonly path: string;
  readonly #remove = () => removeFolder(this.path);

  /** `prefix` says whose it is. */
  constructor(prefix: string, parent = tmpdir()) {
    removeStale(prefix, parent);
    this.path = mkdtempSync(join(parent, `${prefix}-${process.pid}-`));
    process.on("exit", this.#remove);
  }

  remove(): void {
    process.off("exit", this.#remove);
    this.#remove();
  }
}

/** Folders of processes that are no more. */
function removeStale(prefix: string, parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = new RegExp(`^${prefix}-(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) removeFolder(join(parent, name));
  }
}

/** What cannot be removed is left to the next run. */
function removeFolder(folder: string): void {
  for (let tries = 0; tries < REMOVALS_MAX; tries++) {
    try {
      rmSync(folder, { recursive: true, force: true });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") return;
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
