/**
 * Zeroing a range of a file and keeping sparse files sparse. Node has no fallocate(2), so a hole is punched by the
 * program of that name (util-linux), through the descriptor that is open here. Where there is none, or the file
 * system cannot, zeros are written, but only over what does not read as zeros: a hole stays one.
 *
 * Cutting the file off and extending it again would make a hole too, but a process killed between the two would
 * leave a disk that is too short.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { DiskFile } from "./file-disk.ts";

/** A process for less than this costs more than it frees. */
const PUNCH_BYTES_MIN = 64 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

const run = promisify(execFile);

export class ZeroRange {
  readonly #file: DiskFile;
  #canPunch = process.platform === "linux";

  constructor(file: DiskFile) {
    this.#file = file;
  }

  async zero(position: number, length: number, mayUnmap: boolean): Promise<void> {
    if (mayUnmap && length >= PUNCH_BYTES_MIN && (await this.#punch(position, length))) return;
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, length));
    for (let done = 0; done < length; done += CHUNK_BYTES) {
      await this.#writeZeros(position + done, buffer.subarray(0, Math.min(CHUNK_BYTES, length - done)));
    }
  }

  /** False: not here, and not the next time either. */
  async #punch(position: number, length: number): Promise<boolean> {
    if (!this.#canPunch) return false;
    const path = `/proc/${process.pid}/fd/${this.#file.fd}`;
    try {
      await run("fallocate", ["--punch-hole", "--offset", `${position}`, "--length", `${length}`, path]);
    } catch {
      this.#canPunch = false;
    }
    return this.#canPunch;
  }

  async #writeZeros(position: number, buffer: Buffer): Promise<void> {
    const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, position);
    if (bytesRead === buffer.length && buffer.equals(ZEROS.subarray(0, buffer.length))) return;
    for (let done = 0; done < buffer.length; ) {
      const { bytesWritten } = await this.#file.write(ZEROS, 0, buffer.length - done, position + done);
      if (bytesWritten === 0) throw new Error(`nothing written at ${position + done}`);
      done += bytesWritten;
    }
  }
}
