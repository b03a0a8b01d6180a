/**
 * Sends numbered frames to itself through a loop. A frame may be dropped where the device has no buffer or was reset;
 * what arrives must have been sent, unchanged, in order, and once.
 */
import type { Nic } from "../../../drivers/index.ts";
import type { VirtioDevice } from "../../../guest/virtio/types.ts";
import { getU32, putU32 } from "../../../wire/bytes.ts";
import { type Rider, type RiderContext, unlessTolerated } from "./rider.ts";

const HEADER_BYTES = 14;
const FRAMES_PER_RIDE = 8;
const LENGTH_MIN = 64;
const LENGTH_SPAN = 1400;

export class NetRider implements Rider {
  bytesVerified = 0;
  readonly #context: RiderContext;
  readonly #listening = new WeakSet<Nic>();
  #sent = 0;
  #received = -1;
  #broken: Error | undefined;

  constructor(context: RiderContext) {
    this.#context = context;
  }

  async ride(device: VirtioDevice): Promise<void> {
    const nic = device.driverData as Nic;
    this.#listen(nic);
    const sends = Array.from({ length: FRAMES_PER_RIDE }, () => {
      const length = LENGTH_MIN + (this.#context.random.next() % LENGTH_SPAN);
      return unlessTolerated(this.#context, nic.send(frame(nic.mac, this.#sent++, length)));
    });
    await Promise.all(sends);
    if (this.#broken !== undefined) throw this.#broken;
  }

  async rest(): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
  }

  #listen(nic: Nic): void {
    if (this.#listening.has(nic)) return;
    this.#listening.add(nic);
    nic.onFrame((bytes) => this.#arrived(nic.mac, bytes));
  }

  #arrived(mac: string, bytes: Uint8Array): void {
    const number = getU32(bytes, HEADER_BYTES);
    const expected = frame(mac, number, bytes.length);
    if (number >= this.#sent || Buffer.compare(bytes, expected) !== 0) {
      this.#broken ??= new Error(
        `net: a frame of ${bytes.length} bytes that was never sent (number ${number})`,
      );
    } else if (number <= this.#received) {
      this.#broken ??= new Error(`net: frame ${number} came after frame ${this.#received}`);
    }
    this.#received = number;
    this.bytesVerified += bytes.length;
  }
}

function frame(mac: string, number: number, length: number): Uint8Array {
  const bytes = Uint8Array.from({ length }, (_, at) => at * 7 + number);
  const address = mac.split(":").map((part) => Number.parseInt(part, 16));
  bytes.set(address, 0);
  bytes.set(address, 6);
  bytes.set([0x88, 0xb5], 12);
  putU32(bytes, HEADER_BYTES, number);
  return bytes;
}
