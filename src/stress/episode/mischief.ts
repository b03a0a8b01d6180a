/** What an episode's guest does to itself and to the functions of its bus, apart from traffic. */
import type { GuestContext } from "../../guest/define.ts";
import type { PciDevice } from "../../guest/pci/pci-device.ts";
import type { Random } from "../../wire/random.ts";

/** How long a side may be kept from running: log-uniform, as chaos modes do it. */
const STARVE_MS = { least: 1, most: 2000 };
/** The clock jumps forward, less than any deadline. */
const JUMP_MS_MAX = 2000;
const PAUSE_MS_MAX = 5;
const CHUNK_BYTES = 64 * 1024;

export class Mischief {
  readonly #guest: GuestContext;
  readonly #random: Random;

  constructor(guest: GuestContext, random: Random) {
    this.#guest = guest;
    this.#random = random;
  }

  rebind(pci: PciDevice): void {
    this.#guest.pci.unbind(pci);
    // What was pulled out meanwhile stays without a driver until the bus is looked at again.
    this.#guest.pci.attach(pci);
  }

  /** For a function whose driver refused it. */
  tryAgain(pci: PciDevice): void {
    if (pci.savedState === undefined) this.rebind(pci);
  }

  async suspend(pci: PciDevice): Promise<void> {
    this.#guest.pci.suspend(pci);
    await this.#pause();
    this.#guest.pci.resume(pci);
  }

  async mask(pci: PciDevice): Promise<void> {
    // Too few vectors leave a function on its line: there is nothing to mask.
    if (pci.msixSize === 0) return;
    this.#guest.pci.maskFunction(pci, true);
    await this.#pause();
    // It may have been taken out, and another be in its place.
    if (this.#guest.pci.devices.includes(pci)) this.#guest.pci.maskFunction(pci, false);
  }

  /** Keeps this thread from doing anything. Mostly short. */
  starve(): void {
    const { least, most } = STARVE_MS;
    const fraction = (this.#random.next() / 2 ** 32) ** 2;
    const until = performance.now() + least * (most / least) ** fraction;
    while (performance.now() < until);
  }

  /** Takes nearly all memory, for a moment. */
  async pressure(): Promise<void> {
    const { memory } = this.#guest;
    const taken: number[] = [];
    for (let room = memory.freeBytes; room > CHUNK_BYTES; room -= CHUNK_BYTES) {
      const address = memory.allocate(CHUNK_BYTES);
      if (address === undefined) break;
      taken.push(address);
    }
    await this.#pause();
    for (const address of taken) memory.free(address, CHUNK_BYTES);
  }

  /** This thread's clock jumps forward. */
  clock(): void {
    const now = performance.now.bind(performance);
    const jump = this.#random.next() % JUMP_MS_MAX;
    performance.now = () => now() + jump;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.#random.next() % PAUSE_MS_MAX));
  }
}
