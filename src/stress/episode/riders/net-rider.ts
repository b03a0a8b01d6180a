/**
 * Sends numbered frames to itself through a loop. A frame may be dropped where the device was reset or its link is down,
 * or go to another CPU; what arrives must have been sent, unchanged, in order, and once.
 */
import type { Nic } from "../../../drivers/index.ts";
import type { VirtioDevice } from "../../../guest/virtio/types.ts";
import { FLOW_NUMBER_AT, flowFrame, flowNumber } from "../../../machine/workloads/flow.ts";
import { type Rider, type RiderContext, unlessTolerated } from "./rider.ts";

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
      return unlessTolerated(this.#context, nic.send(this.#frame(nic.mac, this.#sent++, length)));
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
    const number = flowNumber(bytes, this.#context.guest.cpu);
    // Another CPU's flow, which the device knew no pair for.
    if (number === undefined) return;
    const expected = this.#frame(mac, number, bytes.length);
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

  /** Of this CPU's flow: to itself, numbered, with a pattern behind the number. */
  #frame(mac: string, number: number, length: number): Uint8Array {
    const bytes = flowFrame(length, this.#context.guest.cpu, number);
    const address = mac.split(":").map((part) => Number.parseInt(part, 16));
    bytes.set(address, 0);
    bytes.set(address, 6);
    for (let at = FLOW_NUMBER_AT + 4; at < bytes.length; at++) bytes[at] = at * 7 + number;
    return bytes;
  }
}
