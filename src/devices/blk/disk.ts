/** What is behind a block device. Positions and lengths were checked against `bytes` by the device. */
import type { SharedBytes } from "../../host/index.ts";

/** A disk as another thread can have it too: the same bytes. */
export type DiskShare =
  | { readonly kind: "memory"; readonly content: SharedBytes; readonly readOnly: boolean }
  | { readonly kind: "file"; readonly path: string; readonly bytes: number; readonly readOnly: boolean };

export interface Disk {
  /** Size, a multiple of 512. Changes with `resize` only. */
  readonly bytes: number;
  readonly readOnly: boolean;
  /**
   * Gives the bytes at a position to `take`, now or later, and its answer to the caller. They are the disk's own and
   * `take` must copy what it wants to keep. Rejects on an I/O error.
   */
  read<T>(position: number, length: number, take: (bytes: Uint8Array) => T): T | Promise<T>;
  /**
   * Where a disk can answer at once, and into guest RAM: fills the windows, in order. False: use `read`, which tells
   * errors too.
   */
  readNow?(position: number, windows: readonly Uint8Array[]): boolean;
  /** Stores bytes, in order; they may lie in guest RAM. Rejects on an I/O error. */
  write(position: number, sources: readonly Uint8Array[]): void | Promise<void>;
  /** Makes a range read as zeros. With `mayUnmap` the storage behind it may be given back. */
  zero(position: number, length: number, mayUnmap: boolean): void | Promise<void>;
  /** Makes every write that has ended durable. */
  flush(): void | Promise<void>;
  /** Grows with zeros, or cuts off. */
  resize(bytes: number): void | Promise<void>;
  /** For another thread's disk of the same bytes; undefined: there can be none. Another one after each `resize`. */
  readonly share?: DiskShare;
  /** The thread that shares the disk has resized it, and this is its share now. */
  follow?(share: DiskShare): void;
  close(): void | Promise<void>;
}

/** Goes on at once with what is there, later with what is promised: a disk that answers at once stays synchronous. */
export function andThen<A, B>(value: A | Promise<A>, next: (value: A) => B | Promise<B>): B | Promise<B> {
  return value instanceof Promise ? value.then(next) : next(value);
}
