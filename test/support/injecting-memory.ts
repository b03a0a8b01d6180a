/** Live memory that runs something else just before or just after an access at a named site: a race, made to happen. */
import { LiveMemory } from "../../src/memory/live-memory.ts";
import type { WaitResult } from "../../src/memory/shared-memory.ts";
import { type Site, type SiteLabel, site } from "../../src/wire/sites.ts";

type When = "before" | "after";

export class InjectingMemory extends LiveMemory {
  readonly #pending: { when: When; site: Site; skip: number; run: () => void }[] = [];

  /** Runs `run` once, at the first access (after `skip` others) to the site from now on. */
  inject(when: When, label: SiteLabel, run: () => void, skip = 0): void {
    this.#pending.push({ when, site: site(label), skip, run });
  }

  /** Injections that have not happened. */
  get waiting(): number {
    return this.#pending.length;
  }

  #at(when: When, at: Site): void {
    const index = this.#pending.findIndex((one) => one.when === when && one.site === at);
    const one = this.#pending[index];
    if (one === undefined || one.skip-- > 0) return;
    this.#pending.splice(index, 1);
    one.run();
  }
  #around<Result>(at: Site, access: () => Result): Result {
    this.#at("before", at);
    const result = access();
    this.#at("after", at);
    return result;
  }

  override load16(offset: number, at: Site): number {
    return this.#around(at, () => super.load16(offset, at));
  }
  override load32(offset: number, at: Site): number {
    return this.#around(at, () => super.load32(offset, at));
  }
  override store16(offset: number, value: number, at: Site): void {
    this.#around(at, () => super.store16(offset, value, at));
  }
  override store32(offset: number, value: number, at: Site): void {
    this.#around(at, () => super.store32(offset, value, at));
  }
  override add32(offset: number, value: number, at: Site): number {
    return this.#around(at, () => super.add32(offset, value, at));
  }
  override or32(offset: number, value: number, at: Site): number {
    return this.#around(at, () => super.or32(offset, value, at));
  }
  override and32(offset: number, value: number, at: Site): number {
    return this.#around(at, () => super.and32(offset, value, at));
  }
  override wait32(offset: number, expected: number, timeoutMs: number, at: Site): WaitResult {
    return this.#around(at, () => super.wait32(offset, expected, timeoutMs, at));
  }
  override exchange32(offset: number, value: number, at: Site): number {
    return this.#around(at, () => super.exchange32(offset, value, at));
  }
}
