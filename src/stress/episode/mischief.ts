/** What an episode's guest does to itself and to the functions of its bus, apart from traffic. */
import type { GuestContext } from "../../guest/define.ts";
import type { PciDevice } from "../../guest/pci/pci-device.ts";
import type { Random } from "../../wire/random.ts";
import { jumpClock, starve } from "./victim.ts";

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

  starve(): void {
    starve(this.#random);
  }

  clock(): void {
    jumpClock(this.#random);
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

  #pause(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.#random.next() % PAUSE_MS_MAX));
  }
}
