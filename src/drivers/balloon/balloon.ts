/**
 * A balloon for people: follows the host's target by giving pages away and taking them back, one list of pages at a
 * time and each answered before the next. Synchronous and callback driven but for `settled` [virtio 1.4, 5.5.6].
 */
import type { GuestMemory, Shrinker } from "../../guest/guest-memory.ts";
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import type { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { BALLOON_CONFIG, BALLOON_PAGE_SIZE } from "../../wire/balloon.ts";
import { getU32, putU32 } from "../../wire/bytes.ts";
import { CancelledError } from "../errors.ts";
import { PAGE_LIST_BYTES, PAGES_PER_LIST, PageList } from "./page-list.ts";

/** Free memory that inflating leaves alone: the rest of the guest must not run dry because the host is greedy. */
const RESERVE_BYTES = 64 * BALLOON_PAGE_SIZE;
/** Less than this becoming free does not start another try. */
const CRUMB_PAGES = 64;
/** Lists for returns: some more than the one that follows the target, for a guest that runs out of memory. */
const DEFLATE_LISTS = 8;
/** What a device that is no longer there reads as. */
const GONE = 0xffff_ffff;
export const LIST_MEMORY_BYTES = (1 + DEFLATE_LISTS) * PAGE_LIST_BYTES;

export interface BalloonParts {
  readonly inflate: DriverQueue<PageList>;
  readonly deflate: DriverQueue<PageList>;
  /** `LIST_MEMORY_BYTES` of guest memory. */
  readonly lists: number;
  /** The host must have answered before a returned page is used. */
  readonly mustTellHost: boolean;
  readonly deflateOnOom: boolean;
}

export class Balloon implements Shrinker {
  readonly #device: VirtioDevice;
  readonly #memory: GuestMemory;
  readonly #parts: BalloonParts;
  readonly #inflateList: PageList;
  readonly #deflateLists: PageList[];
  /** The balloon: last given, first taken back. */
  readonly #pages: number[] = [];
  readonly #waiters: { resolve(pages: number): void; reject(error: Error): void }[] = [];
  #target = 0;
  #inflating = false;
  /** Lists of returns without an answer. */
  #returning = 0;
  /** There was no memory to give: do not try before some is freed. */
  #short = false;
  #gone: string | undefined;

  constructor(device: VirtioDevice, parts: BalloonParts) {
    this.#device = device;
    this.#memory = device.memory;
    this.#parts = parts;
    this.#inflateList = new PageList(device.memory, parts.lists);
    this.#deflateLists = Array.from(
      { length: DEFLATE_LISTS },
      (_, index) => new PageList(device.memory, parts.lists + (1 + index) * PAGE_LIST_BYTES),
    );
  }

  /** What the host wants to have. */
  get targetPages(): number {
    return this.#target;
  }
  /** What it has. */
  get actualPages(): number {
    return this.#pages.length;
  }
  /** Lists that the host has not answered. */
  get outstanding(): number {
    return this.#returning + (this.#inflating ? 1 : 0);
  }

  /** Resolves with the pages given when the target is reached, or the guest has no more to give. */
  settled(): Promise<number> {
    if (this.#gone !== undefined) return Promise.reject(new CancelledError(this.#gone));
    // A change of the target that the interrupt has not brought yet counts.
    this.configChanged();
    if (this.#isSettled) return Promise.resolve(this.actualPages);
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** For the driver: the target may have changed. */
  configChanged(): void {
    const bytes = new Uint8Array(4);
    this.#device.transport.getConfig(BALLOON_CONFIG.numPages, bytes);
    const target = getU32(bytes, 0);
    if (target === GONE) return;
    if (target !== this.#target) this.#short = false;
    this.#target = target;
    this.#follow();
  }

  /** For the driver: the host has answered. */
  answered(queue: DriverQueue<PageList>): void {
    do {
      queue.disableCallbacks();
      for (let list = queue.get(); list !== undefined; list = queue.get()) this.#finish(queue, list);
      if (queue.broken !== undefined) {
        this.stop(queue.broken);
        return;
      }
    } while (!queue.enableCallbacks());
    this.#writeActual();
    this.#follow();
  }

  /** Out of memory: take pages back at once, where that was agreed on [5.5.6.1]. */
  reclaim(_bytes: number): boolean {
    if (!this.#parts.deflateOnOom || this.#pages.length === 0) return false;
    const returned = this.#giveBack(PAGES_PER_LIST);
    // The target is to be followed again, but not into the same shortage.
    this.#short = true;
    // With MUST_TELL_HOST they are free only when the host has answered: too late for this allocation.
    return returned && !this.#parts.mustTellHost;
  }

  freed(): void {
    const missing = this.#target - this.actualPages;
    if (!this.#short || missing <= 0 || this.#roomPages < Math.min(missing, CRUMB_PAGES)) return;
    this.#short = false;
    this.#follow();
  }

  /** Resets the device: then the balloon is empty, and its pages are the guest's again. */
  stop(reason: string): void {
    if (this.#gone !== undefined) return;
    this.#gone = reason;
    this.#memory.removeShrinker(this);
    this.#device.transport.reset();
    this.#recoverAll();
    for (const { reject } of this.#waiters.splice(0)) reject(new CancelledError(reason));
  }

  get #isSettled(): boolean {
    if (this.outstanding > 0) return false;
    return this.actualPages === this.#target || (this.actualPages < this.#target && this.#short);
  }

  /** Pages that could be given away now. */
  get #roomPages(): number {
    return Math.max(0, Math.floor((this.#memory.freeBytes - RESERVE_BYTES) / BALLOON_PAGE_SIZE));
  }

  /** One step towards the target, if none is under way. */
  #follow(): void {
    if (this.#gone !== undefined || this.outstanding > 0) return;
    const missing = this.#target - this.actualPages;
    if (missing > 0 && !this.#short) this.#handOver(Math.min(missing, PAGES_PER_LIST));
    else if (missing < 0) this.#giveBack(Math.min(-missing, PAGES_PER_LIST));
    if (!this.#isSettled) return;
    for (const { resolve } of this.#waiters.splice(0)) resolve(this.actualPages);
  }

  #handOver(count: number): void {
    const pages: number[] = [];
    while (pages.length < Math.min(count, this.#roomPages + pages.length)) {
      const page = this.#memory.surrenderPage();
      if (page === undefined) break;
      pages.push(page);
    }
    this.#short = pages.length < count;
    if (pages.length === 0) return;
    this.#inflating = this.#parts.inflate.add(this.#inflateList.fill(pages).list, this.#inflateList);
    this.#pages.push(...pages);
    this.#parts.inflate.kick();
  }

  /** False: every list is on its way already. */
  #giveBack(count: number): boolean {
    const list = this.#deflateLists.pop();
    if (list === undefined) return false;
    // Pages that the host has not yet been seen to take go last: it must have them before it can give them back.
    const given = this.#pages.length - (this.#inflating ? this.#inflateList.pages.length : 0);
    const pages = this.#pages.splice(Math.max(0, given - count), Math.min(count, given)).reverse();
    if (pages.length === 0 || !this.#parts.deflate.add(list.fill(pages).list, list)) {
      this.#pages.splice(Math.max(0, given - count), 0, ...pages.reverse());
      this.#deflateLists.push(list);
      return false;
    }
    this.#returning++;
    this.#parts.deflate.kick();
    if (!this.#parts.mustTellHost) this.#recover(pages);
    return true;
  }

  #finish(queue: DriverQueue<PageList>, list: PageList): void {
    if (queue === this.#parts.inflate) {
      this.#inflating = false;
      return;
    }
    this.#returning--;
    this.#deflateLists.push(list);
    if (this.#parts.mustTellHost) this.#recover(list.pages);
  }

  #recover(pages: readonly number[]): void {
    for (const page of pages) this.#memory.recoverPage(page);
  }

  #recoverAll(): void {
    const { inflate, deflate, mustTellHost } = this.#parts;
    while (inflate.detachUnused() !== undefined);
    for (let list = deflate.detachUnused(); list !== undefined; list = deflate.detachUnused()) {
      if (mustTellHost) this.#recover(list.pages);
    }
    this.#recover(this.#pages.splice(0));
    this.#inflating = false;
    this.#returning = 0;
  }

  #writeActual(): void {
    const bytes = new Uint8Array(4);
    putU32(bytes, 0, this.actualPages);
    this.#device.transport.setConfig(BALLOON_CONFIG.actual, bytes);
  }
}
