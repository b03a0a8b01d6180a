/**
 * Writes records to a console that echoes. A reset may cut a record in two; a whole record that comes back must have
 * been sent, unchanged, and not before one that was sent earlier.
 */
import type { Console, ConsolePort } from "../../../drivers/index.ts";
import type { VirtioDevice } from "../../../guest/virtio/types.ts";
import { getU32, putU32 } from "../../../wire/bytes.ts";
import { type Rider, type RiderContext, unlessTolerated } from "./rider.ts";

const MAGIC = 0x6c_61_62_31;
const RECORD_BYTES = 64;
const MAGIC_BYTES = Buffer.from([0x31, 0x62, 0x61, 0x6c]);

export class ConsoleRider implements Rider {
  bytesVerified = 0;
  readonly #context: RiderContext;
  readonly #reading = new WeakSet<ConsolePort>();
  #sent = 0;
  #broken: Error | undefined;

  constructor(context: RiderContext) {
    this.#context = context;
  }

  async ride(device: VirtioDevice): Promise<void> {
    const port = await unlessTolerated(this.#context, (device.driverData as Console).port(0));
    if (port === undefined) return;
    if (!this.#reading.has(port)) {
      this.#reading.add(port);
      void this.#read(port);
    }
    const records = 1 + (this.#context.random.next() % 8);
    const data = new Uint8Array(RECORD_BYTES * records);
    for (let at = 0; at < data.length; at += RECORD_BYTES) data.set(record(this.#sent++), at);
    await unlessTolerated(this.#context, port.write(data));
    if (this.#broken !== undefined) throw this.#broken;
  }

  async rest(): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
  }

  async #read(port: ConsolePort): Promise<void> {
    let last = -1;
    let rest = Buffer.alloc(0);
    for await (const part of port) {
      rest = Buffer.concat([rest, part]);
      for (let at = nextRecord(rest); at >= 0; at = nextRecord(rest)) {
        const found = rest.subarray(at, at + RECORD_BYTES);
        const number = getU32(found, 4);
        const right = number < this.#sent && number > last && Buffer.compare(found, record(number)) === 0;
        // A record that a reset cut short may be followed by a whole one: look for the next from its second byte on.
        if (right) this.bytesVerified += RECORD_BYTES;
        else if (!rest.subarray(at + 4, at + RECORD_BYTES).includes(MAGIC_BYTES)) {
          this.#broken ??= new Error(
            `console: a record that was never sent, or out of order (number ${number})`,
          );
        }
        if (right) last = number;
        rest = rest.subarray(right ? at + RECORD_BYTES : at + 4);
      }
    }
  }
}

/** Where the first whole record begins, or -1. */
function nextRecord(bytes: Buffer): number {
  const at = bytes.indexOf(MAGIC_BYTES);
  return at >= 0 && at + RECORD_BYTES <= bytes.length ? at : -1;
}

function record(number: number): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES).fill(1 + (number & 0x3f));
  putU32(bytes, 0, MAGIC);
  putU32(bytes, 4, number);
  return bytes;
}
