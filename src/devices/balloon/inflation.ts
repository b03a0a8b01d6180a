/** The inflate and deflate queues: arrays of page numbers, checked one by one. */
import type { Chain, DeviceContext, DeviceQueue, PageHolder } from "../../host/index.ts";
import { BALLOON_PAGE_SIZE, BALLOON_QUEUE, PAGE_NUMBER_BYTES } from "../../wire/balloon.ts";
import { getU32 } from "../../wire/bytes.ts";
import { site } from "../../wire/sites.ts";

const DISCARD = site("device: buffer");
/** Page numbers read at a time. */
const PIECE_BYTES = 4096;

export class Inflation {
  readonly #context: DeviceContext;
  readonly #pages: PageHolder;
  #deflating = false;

  constructor(context: DeviceContext) {
    this.#context = context;
    this.#pages = context.holdPages(() => this.#deflatePublished());
  }

  /** Pages in the balloon. */
  get count(): number {
    return this.#pages.count;
  }

  inflate(queue: DeviceQueue): void {
    queue.serve((chain) => {
      this.#eachPage(queue, chain, (page, offset) => {
        if (!this.#pages.take(page)) return "is in a balloon already";
        // What was in the page is gone, as it would be with a host that gives it to somebody else.
        this.#context.ram.memory.fill(offset, BALLOON_PAGE_SIZE, 0, DISCARD);
        return undefined;
      });
      queue.push(chain, 0);
    });
  }

  deflate(queue: DeviceQueue): void {
    this.#deflating = true;
    queue.serve((chain) => {
      this.#eachPage(queue, chain, (page) => (this.#pages.give(page) ? undefined : "is not in the balloon"));
      queue.push(chain, 0);
    });
    this.#deflating = false;
  }

  /** The device was reset: every page is the guest's again. */
  reset(): void {
    this.#pages.giveAll();
  }

  close(): void {
    this.#pages.close();
  }

  /** A driver that need not wait for an answer uses pages as soon as it has published their return. */
  #deflatePublished(): void {
    const queue = this.#context.queues[BALLOON_QUEUE.deflate];
    if (queue !== undefined && !this.#deflating) this.deflate(queue);
  }

  #eachPage(
    queue: DeviceQueue,
    chain: Chain,
    handle: (page: number, offset: number) => string | undefined,
  ): void {
    const { ram } = this.#context;
    // More numbers than RAM has pages cannot be right, however long the chain is.
    const bytes = Math.min(chain.readableBytes, (ram.size / BALLOON_PAGE_SIZE) * PAGE_NUMBER_BYTES);
    if (chain.readableBytes !== bytes || bytes === 0 || bytes % PAGE_NUMBER_BYTES !== 0) {
      this.#report(queue, `${chain.readableBytes} bytes of page numbers`);
    }
    const piece = new Uint8Array(PIECE_BYTES);
    for (let at = 0; at + PAGE_NUMBER_BYTES <= bytes; at += PAGE_NUMBER_BYTES) {
      if (at % PIECE_BYTES === 0) chain.read(at, piece);
      const number = getU32(piece, at % PIECE_BYTES);
      const offset = ram.offsetOf(number * BALLOON_PAGE_SIZE, BALLOON_PAGE_SIZE);
      const wrong = offset < 0 ? "lies outside RAM" : handle(offset / BALLOON_PAGE_SIZE, offset);
      if (wrong !== undefined) this.#report(queue, `page number ${number} ${wrong}`);
    }
  }

  #report(queue: DeviceQueue, detail: string): void {
    this.#context.violated({ kind: "request-format", queue: queue.index, detail });
  }
}
