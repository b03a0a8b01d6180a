/**
 * A temporary folder that is removed when the process ends in whatever way it can notice; the next run removes what a
 * killed one left behind.
 */
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

/**
 * How the names of a host's folders begin: containers that share the parent folder do not see each other's processes. Its
 * name is cut down to eight digits: whole, it could make the path of a socket in the folder too long.
 */
const ofHost = (prefix: string, host: string): string =>
  `${prefix}-${createHash("sha256").update(host).digest("hex").slice(0, 8)}-`;

/** How the names of a process's folders begin. */
export const ofProcess = (prefix: string, pid: number | undefined, host = hostname()): string =>
  `${ofHost(prefix, host)}${pid}-`;

/** At an exit threads and children that are about to end may still add files. */
const REMOVALS_MAX = 100;

export class TemporaryFolder {
  readonly path: string;
  readonly #remove = () => removeFolder(this.path);

  /** `prefix` says whose it is. */
  constructor(prefix: string, parent = tmpdir()) {
    removeStale(ofHost(prefix, hostname()), parent);
    this.path = mkdtempSync(join(parent, ofProcess(prefix, process.pid)));
    process.on("exit", this.#remove);
  }

  remove(): void {
    process.off("exit", this.#remove);
    this.#remove();
  }
}

/** Folders of this host's processes that are no more. */
function removeStale(beginning: string, parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = new RegExp(`^${beginning}(\\d+)-`).exec(name)?.[1];
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
