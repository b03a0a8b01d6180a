/** One buffer of page numbers, as the inflate and deflate queues take them. */
import type { GuestMemory } from "../../guest/guest-memory.ts";
import { ScatterList } from "../../guest/virtqueue/scatter-list.ts";
import { BALLOON_PAGE_SIZE, PAGE_NUMBER_BYTES } from "../../wire/balloon.ts";
import { putU32 } from "../../wire/bytes.ts";

/** Pages told of at once: as many as Linux does. */
export const PAGES_PER_LIST = 256;
export const PAGE_LIST_BYTES = PAGES_PER_LIST * PAGE_NUMBER_BYTES;

export class PageList {
  readonly list = new ScatterList();
  /** Addresses of the pages that are in it now. */
  pages: readonly number[] = [];
  readonly #memory: GuestMemory;
  readonly #address: number;

  constructor(memory: GuestMemory, address: number) {
    this.#memory = memory;
    this.#address = address;
  }

  fill(pages: readonly number[]): this {
    const numbers = new Uint8Array(pages.length * PAGE_NUMBER_BYTES);
    pages.forEach((page, index) => {
      putU32(numbers, index * PAGE_NUMBER_BYTES, page / BALLOON_PAGE_SIZE);
    });
    this.#memory.write(this.#address, numbers);
    this.list.clear().addReadable(this.#address, numbers.length);
    this.pages = pages;
    return this;
  }
}
