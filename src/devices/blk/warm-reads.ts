/**
 * Reads that are done at once, straight into guest RAM: from the system's page cache that takes microseconds, and the
 * way through an I/O thread several times as long. A read that had to wait for the disk itself holds up every device
 * of the host, so the next ones after it go to the I/O threads.
 */
import { readSync, readvSync } from "node:fs";

/** A cached read of a megabyte takes a tenth of it. */
const COLD_MS = 1;
const COLD_READS = 64;

export class WarmReads {
  readonly #fd: number;
  readonly #clock: () => number;
  #cold = 0;

  constructor(fd: number, clock: () => number = () => performance.now()) {
    this.#fd = fd;
    this.#clock = clock;
  }

  /** Fills the windows, in order; false: not tried, or not all of it could be had. */
  read(position: number, windows: readonly Uint8Array[]): boolean {
    if (this.#cold > 0) {
      this.#cold--;
      return false;
    }
    const begun = this.#clock();
    const whole = readWhole(this.#fd, position, windows);
    if (this.#clock() - begun > COLD_MS) this.#cold = COLD_READS;
    return whole;
  }
}

function readWhole(fd: number, position: number, windows: readonly Uint8Array[]): boolean {
  const [first, ...more] = windows;
  if (first === undefined) return true;
  try {
    if (more.length === 0) return readSync(fd, first, 0, first.length, position) === first.length;
    return readvSync(fd, windows, position) === windows.reduce((sum, { length }) => sum + length, 0);
  } catch {
    // Whoever reads it again, in a thread, reports why.
    return false;
  }
}
