/** The buffers of one request: device-readable segments, then device-writable ones. Reused from request to request. */

export class ScatterList {
  /** Guest-physical addresses and lengths in bytes; the first `readable` segments are device-readable. */
  readonly addresses: number[] = [];
  readonly lengths: number[] = [];
  count = 0;
  readable = 0;
  writableBytes = 0;

  clear(): this {
    this.count = 0;
    this.readable = 0;
    this.writableBytes = 0;
    return this;
  }

  addReadable(address: number, length: number): this {
    if (this.count !== this.readable) throw new Error("a readable segment cannot follow a writable one");
    this.readable++;
    return this.#add(address, length);
  }

  addWritable(address: number, length: number): this {
    this.writableBytes += length;
    return this.#add(address, length);
  }

  #add(address: number, length: number): this {
    this.addresses[this.count] = address;
    this.lengths[this.count] = length;
    this.count++;
    return this;
  }
}
