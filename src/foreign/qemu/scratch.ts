/**
 * The temporary folder of one QEMU: FIFOs, firmware image, guest RAM. It lies on a memory file system where there is
 * room, is removed when the process ends in whatever way it can notice, and the next run removes what a killed one
 * left behind.
 */
import { execFileSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MEMORY_FILE_SYSTEM = "/dev/shm";
const PREFIX = "virtlab-qemu-";
/** Beside the files whose size is known. */
const SPARE_BYTES = 4 << 20;
/** At an exit in the middle of a start a child that is about to be killed may still add files. */
const REMOVALS_MAX = 100;

export class Scratch {
  readonly folder: string;
  readonly #remove = () => removeFolder(this.folder);

  /** A folder with room for so many bytes of files. */
  constructor(bytes: number) {
    const parent = hasRoom(MEMORY_FILE_SYSTEM, bytes + SPARE_BYTES) ? MEMORY_FILE_SYSTEM : tmpdir();
    removeStale(parent);
    this.folder = mkdtempSync(join(parent, `${PREFIX}${process.pid}-`));
    process.on("exit", this.#remove);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** The two FIFOs that QEMU calls `pipe:<path>`. */
  makePipe(name: string): string {
    const path = this.path(name);
    execFileSync("mkfifo", [`${path}.in`, `${path}.out`]);
    return path;
  }

  remove(): void {
    process.off("exit", this.#remove);
    this.#remove();
  }
}

function hasRoom(folder: string, bytes: number): boolean {
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= bytes;
  } catch {
    return false;
  }
}

/** Folders of processes that are no more. */
function removeStale(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
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
