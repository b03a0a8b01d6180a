/**
 * Shared memory as weak as ECMAScript allows, where a switch says so. Atomic accesses stay sequentially consistent;
 * plain ones may be seen late, early, or in parts:
 *
 *   store-buffer   a plain store becomes visible later, until its thread's next atomic store, update, wait or notify
 *   stale-reads    a plain load may return what the byte held at its thread's last atomic load, update or wake-up
 *   hoist          a plain load may return, for ever, what it returned before, until its thread's next atomic load
 *   tear           a DataView access happens byte by byte
 *
 * Each is a consequence of happens-before: an atomic store that is seen makes earlier stores visible, an atomic load
 * that sees makes later loads fresh; between those, nothing is promised. `demoted` sites of the production code are
 * plain, or DataView accesses, instead of atomic: what the code would do without its `Atomics`.
 */
import type { SharedBuffer } from "../../memory/attach.ts";
import { ACCESS, type AccessGate, type AccessKind, ScheduledMemory } from "../../memory/scheduled-memory.ts";
import type { WaitResult } from "../../memory/shared-memory.ts";
import type { Site } from "../../wire/sites.ts";
import { Delayed } from "./delayed.ts";

export const WEAKNESSES = ["store-buffer", "stale-reads", "hoist", "tear"] as const;
export type Weakness = (typeof WEAKNESSES)[number];

export interface WeakOptions {
  readonly weak: ReadonlySet<Weakness>;
  readonly demoted: ReadonlySet<Site>;
  /** All memories of the thread: what orders one's accesses orders the others'. */
  readonly own: readonly WeakMemory[];
  /** A free choice of the schedule's; 0 while nothing is explored. */
  readonly draw: (limit: number) => number;
}

type Width = 1 | 2 | 4;

export class WeakMemory extends ScheduledMemory {
  readonly #options: WeakOptions;
  readonly #delayed = new Delayed();
  /** What the thread may still see of the past. */
  #past: Uint8Array | undefined;
  /** First values of loads since the last atomic load, and those that are kept for good. */
  readonly #first = new Map<number, number>();
  readonly #kept = new Set<number>();

  constructor(buffer: SharedBuffer, id: number, gate: AccessGate, options: WeakOptions) {
    super(buffer, id, gate);
    this.#options = options;
  }

  /** A thread begins: everything before is visible to it. */
  begin(): void {
    this.#delayed.clear();
    this.#refresh();
  }

  override read8(offset: number, site: Site): number {
    return this.#read(1, offset, site);
  }
  override read16(offset: number, site: Site): number {
    return this.#read(2, offset, site);
  }
  override read32(offset: number, site: Site): number {
    return this.#read(4, offset, site);
  }
  override write8(offset: number, value: number, site: Site): void {
    this.#write(1, offset, value, site);
  }
  override write16(offset: number, value: number, site: Site): void {
    this.#write(2, offset, value, site);
  }
  override write32(offset: number, value: number, site: Site): void {
    this.#write(4, offset, value, site);
  }

  override load16(offset: number, site: Site): number {
    if (this.#demoted(site)) return this.#read(2, offset, site);
    this.#settle(offset, 2);
    return this.#acquired(super.load16(offset, site));
  }
  override load32(offset: number, site: Site): number {
    if (this.#demoted(site)) return this.#read(4, offset, site);
    this.#settle(offset, 4);
    return this.#acquired(super.load32(offset, site));
  }
  override store16(offset: number, value: number, site: Site): void {
    if (this.#demoted(site)) {
      this.#write(2, offset, value, site);
      return;
    }
    this.release();
    super.store16(offset, value, site);
  }
  override store32(offset: number, value: number, site: Site): void {
    if (this.#demoted(site)) {
      this.#write(4, offset, value, site);
      return;
    }
    this.release();
    super.store32(offset, value, site);
  }
  override add32(offset: number, value: number, site: Site): number {
    return this.#update(
      offset,
      site,
      (before) => before + value,
      () => super.add32(offset, value, site),
    );
  }
  override or32(offset: number, value: number, site: Site): number {
    return this.#update(
      offset,
      site,
      (before) => before | value,
      () => super.or32(offset, value, site),
    );
  }
  override and32(offset: number, value: number, site: Site): number {
    return this.#update(
      offset,
      site,
      (before) => before & value,
      () => super.and32(offset, value, site),
    );
  }
  override exchange32(offset: number, value: number, site: Site): number {
    return this.#update(
      offset,
      site,
      () => value,
      () => super.exchange32(offset, value, site),
    );
  }
  override atomicBytes(
    offset: number,
    bytes: number,
    kind: AccessKind,
    site: Site,
    touch: (bytes: Uint8Array) => boolean,
  ): void {
    if (kind === ACCESS.load) this.#settle(offset, bytes);
    else this.release();
    super.atomicBytes(offset, bytes, kind, site, touch);
    if (kind !== ACCESS.store) this.#acquire();
  }
  override wait32(offset: number, expected: number, timeoutMs: number, site: Site): WaitResult {
    this.release();
    const result = super.wait32(offset, expected, timeoutMs, site);
    this.#acquire();
    return result;
  }
  override notify32(offset: number, site: Site): number {
    this.release();
    return super.notify32(offset, site);
  }
  /** Bulk accesses are in order with everything. */
  override window(offset: number, length: number, intent: "read" | "write", site: Site): Uint8Array {
    this.release();
    return super.window(offset, length, intent, site);
  }

  /** Everything delayed becomes visible: before an atomic store, and at a thread's end. */
  release(): void {
    for (const memory of this.#options.own) memory.#flush();
  }

  #flush(): void {
    for (let store = this.#delayed.take(0); store !== undefined; store = this.#delayed.take(0)) {
      this.#emit(store.width, store.offset, store.value, store.site);
    }
  }

  #demoted(site: Site): boolean {
    return this.#options.demoted.has(site);
  }
  #torn(site: Site): boolean {
    return this.#options.weak.has("tear") && this.#demoted(site);
  }

  #read(width: Width, offset: number, site: Site): number {
    this.#settle(offset, width);
    if (width > 1 && this.#torn(site)) {
      let value = 0;
      for (let byte = 0; byte < width; byte++) value |= super.read8(offset + byte, site) << (8 * byte);
      return value >>> 0;
    }
    const fresh =
      width === 1
        ? super.read8(offset, site)
        : width === 2
          ? super.read16(offset, site)
          : super.read32(offset, site);
    return this.#stale(width, offset, this.#hoisted(offset, site, fresh));
  }

  #stale(width: Width, offset: number, fresh: number): number {
    const past = this.#past;
    if (past === undefined) return fresh;
    let value = 0;
    for (let byte = 0; byte < width; byte++) value |= (past[offset + byte] ?? 0) << (8 * byte);
    value >>>= 0;
    return value !== fresh && this.#options.draw(2) === 1 ? value : fresh;
  }

  #hoisted(offset: number, site: Site, fresh: number): number {
    if (!this.#options.weak.has("hoist")) return fresh;
    const key = offset * 256 + site;
    const first = this.#first.get(key);
    if (first === undefined) this.#first.set(key, fresh);
    if (first === undefined || first === fresh) return fresh;
    if (!this.#kept.has(key) && this.#options.draw(2) === 0) {
      this.#first.set(key, fresh);
      return fresh;
    }
    this.#kept.add(key);
    return first;
  }

  #write(width: Width, offset: number, value: number, site: Site): void {
    this.#settle(offset, width);
    if (this.#options.weak.has("store-buffer") && this.#options.draw(2) === 1) {
      this.#delayed.add({ width, offset, value, site });
    } else this.#emit(width, offset, value, site);
  }

  /** The store reaches memory. */
  #emit(width: Width, offset: number, value: number, site: Site): void {
    for (let byte = 0; byte < width; byte++) {
      if (this.#past !== undefined) this.#past[offset + byte] = (value >>> (8 * byte)) & 0xff;
      if (width > 1 && this.#torn(site)) super.write8(offset + byte, value >>> (8 * byte), site);
    }
    if (width > 1 && this.#torn(site)) return;
    if (width === 1) super.write8(offset, value, site);
    else if (width === 2) super.write16(offset, value, site);
    else super.write32(offset, value, site);
  }

  /** A thread sees its own stores in order; others of them may reach memory now, in any order. */
  #settle(offset: number, bytes: number): void {
    if (this.#delayed.count === 0) return;
    for (let own = this.#delayed.takeAt(offset, bytes); own !== undefined; ) {
      this.#emit(own.width, own.offset, own.value, own.site);
      own = this.#delayed.takeAt(offset, bytes);
    }
    const chosen = this.#options.draw(this.#delayed.count + 1);
    const store = chosen === 0 ? undefined : this.#delayed.take(chosen - 1);
    if (store !== undefined) this.#emit(store.width, store.offset, store.value, store.site);
  }

  /** An update; where its site is demoted, a plain read and a plain write. */
  #update(offset: number, site: Site, value: (before: number) => number, atomic: () => number): number {
    if (this.#demoted(site)) {
      const before = this.#read(4, offset, site);
      this.#write(4, offset, value(before) >>> 0, site);
      return before;
    }
    this.release();
    return this.#acquired(atomic());
  }

  #acquired(value: number): number {
    this.#acquire();
    return value;
  }

  /** From here on loads see what memory holds now, or later. */
  #acquire(): void {
    for (const memory of this.#options.own) memory.#refresh();
  }

  #refresh(): void {
    if (this.#options.weak.has("stale-reads")) this.#past = this.copy();
    this.#first.clear();
    this.#kept.clear();
  }
}
