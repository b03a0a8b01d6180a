/**
 * The temporary folder of one QEMU: FIFOs, firmware image, guest RAM. It lies on a memory file system where there is
 * room.
 */
import { execFileSync } from "node:child_process";
import { accessSync, constants, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TemporaryFolder } from "../../machine/temporary-folder.ts";

const MEMORY_FILE_SYSTEM = "/dev/shm";
const PREFIX = "virtlab-qemu";
/** Beside the files whose size is known. */
const SPARE_BYTES = 4 << 20;

export class Scratch {
  readonly #folder: TemporaryFolder;

  /** A folder with room for so many bytes of files. */
  constructor(bytes: number) {
    const parent = hasRoom(MEMORY_FILE_SYSTEM, bytes + SPARE_BYTES) ? MEMORY_FILE_SYSTEM : tmpdir();
    this.#folder = new TemporaryFolder(PREFIX, parent);
  }

  get folder(): string {
    return this.#folder.path;
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
    this.#folder.remove();
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
