/** What is behind a block device. Positions and lengths were checked against `bytes` by the device. */

export interface Disk {
  /** Size, a multiple of 512. */
  readonly bytes: number;
  readonly readOnly: boolean;
  /** The bytes at a position, now or later. Valid until the next call: copy them. Rejects on an I/O error. */
  read(position: number, length: number): Uint8Array | Promise<Uint8Array>;
  /** Stores bytes, in order; they may lie in guest RAM. Rejects on an I/O error. */
  write(position: number, sources: readonly Uint8Array[]): void | Promise<void>;
  /** Makes every write that has ended durable. */
  flush(): void | Promise<void>;
  close(): void | Promise<void>;
}
