/**
 * Live memory that writes each access down in the order in which it happens, for the race detector. Under the log's
 * lock the machine is sequentially consistent, so what is looked for is not what a race does but that it is one.
 *
 * Atomic accesses of `plain` sites are made plain ones: to see that the detector says so.
 */
import type { Site } from "../wire/sites.ts";
import { type AccessLog, WOKEN } from "./access-log.ts";
import type { SharedBuffer } from "./attach.ts";
import { LiveMemory } from "./live-memory.ts";
import { ACCESS } from "./scheduled-memory.ts";
import type { WaitResult } from "./shared-memory.ts";

export interface Logging {
  readonly log: AccessLog;
  readonly thread: number;
  /** Which shared buffer this is. */
  readonly memory: number;
  readonly plain: ReadonlySet<Site>;
}

const FRAMES = 12;
const OWN_FILES = /\/memory\/[\w-]+\.[tj]s/;
/** Of this thread, whatever the memory: kinds of access at sites whose place is known. */
const known = new Set<number>();

export class LoggedMemory extends LiveMemory {
  private readonly logging: Logging;

  constructor(buffer: SharedBuffer, logging: Logging) {
    super(buffer);
    this.logging = logging;
  }

  override read8(offset: number, site: Site): number {
    return this.told(ACCESS.read, offset, 1, site, () => super.read8(offset, site));
  }
  override read16(offset: number, site: Site): number {
    return this.told(ACCESS.read, offset, 2, site, () => super.read16(offset, site));
  }
  override read32(offset: number, site: Site): number {
    return this.told(ACCESS.read, offset, 4, site, () => super.read32(offset, site));
  }
  override write8(offset: number, value: number, site: Site): void {
    this.tell(ACCESS.write, offset, 1, site, value, () => super.write8(offset, value, site));
  }
  override write16(offset: number, value: number, site: Site): void {
    this.tell(ACCESS.write, offset, 2, site, value, () => super.write16(offset, value, site));
  }
  override write32(offset: number, value: number, site: Site): void {
    this.tell(ACCESS.write, offset, 4, site, value, () => super.write32(offset, value, site));
  }

  override load16(offset: number, site: Site): number {
    return this.told(this.atomic(ACCESS.load, site), offset, 2, site, () => super.load16(offset, site));
  }
  override load32(offset: number, site: Site): number {
    return this.told(this.atomic(ACCESS.load, site), offset, 4, site, () => super.load32(offset, site));
  }
  override store16(offset: number, value: number, site: Site): void {
    const kind = this.atomic(ACCESS.store, site);
    this.tell(kind, offset, 2, site, value, () => super.store16(offset, value, site));
  }
  override store32(offset: number, value: number, site: Site): void {
    const kind = this.atomic(ACCESS.store, site);
    this.tell(kind, offset, 4, site, value, () => super.store32(offset, value, site));
  }
  override add32(offset: number, value: number, site: Site): number {
    return this.told(ACCESS.update, offset, 4, site, () => super.add32(offset, value, site));
  }
  override or32(offset: number, value: number, site: Site): number {
    return this.told(ACCESS.update, offset, 4, site, () => super.or32(offset, value, site));
  }
  override and32(offset: number, value: number, site: Site): number {
    return this.told(ACCESS.update, offset, 4, site, () => super.and32(offset, value, site));
  }
  override exchange32(offset: number, value: number, site: Site): number {
    return this.told(ACCESS.update, offset, 4, site, () => super.exchange32(offset, value, site));
  }

  override wait32(offset: number, expected: number, timeoutMs: number, site: Site): WaitResult {
    this.told(ACCESS.wait, offset, 4, site, () => super.load32(offset, site));
    const result = super.wait32(offset, expected, timeoutMs, site);
    this.woken(offset, site, result);
    return result;
  }
  override waitAsync32(offset: number, expected: number, timeoutMs: number, site: Site) {
    this.told(ACCESS.wait, offset, 4, site, () => super.load32(offset, site));
    const result = super.waitAsync32(offset, expected, timeoutMs, site);
    if (typeof result === "string") return result;
    return result.then((how) => {
      this.woken(offset, site, how);
      return how;
    });
  }
  override notify32(offset: number, site: Site): number {
    return this.told(ACCESS.notify, offset, 4, site, () => super.notify32(offset, site));
  }

  override readBytes(offset: number, target: Uint8Array, site: Site): void {
    this.tell(ACCESS.readBytes, offset, target.length, site, 0, () => super.readBytes(offset, target, site));
  }
  override writeBytes(offset: number, source: Uint8Array, site: Site): void {
    this.tell(ACCESS.writeBytes, offset, source.length, site, 0, () =>
      super.writeBytes(offset, source, site),
    );
  }
  override copyWithin(to: number, from: number, length: number, site: Site): void {
    this.tell(ACCESS.readBytes, from, length, site, 0, () => {});
    this.tell(ACCESS.writeBytes, to, length, site, 0, () => super.copyWithin(to, from, length, site));
  }
  override fill(offset: number, length: number, value: number, site: Site): void {
    this.tell(ACCESS.writeBytes, offset, length, site, 0, () => super.fill(offset, length, value, site));
  }
  override window(offset: number, length: number, intent: "read" | "write", site: Site): Uint8Array {
    const view = super.window(offset, length, intent, site);
    this.tell(intent === "read" ? ACCESS.readBytes : ACCESS.writeBytes, offset, length, site, 0, () => {});
    return view;
  }

  private atomic(kind: number, site: Site): number {
    if (!this.logging.plain.has(site)) return kind;
    return kind === ACCESS.load ? ACCESS.read : ACCESS.write;
  }

  private woken(offset: number, site: Site, how: WaitResult): void {
    if (how === "ok") this.tell(WOKEN, offset, 4, site, 0, () => {});
  }

  private tell(
    kind: number,
    offset: number,
    bytes: number,
    site: Site,
    value: number,
    make: () => void,
  ): void {
    this.told(kind, offset, bytes, site, () => {
      make();
      return value;
    });
  }

  /** Makes the access and writes it down, as one step. */
  private told(kind: number, offset: number, bytes: number, site: Site, make: () => number): number {
    const { log, thread, memory } = this.logging;
    const key = 32 * site + kind;
    const stack = known.has(key) ? undefined : stackHere();
    log.enter();
    try {
      const value = make();
      if (bytes > 0) log.append(thread, kind, memory, offset, bytes, site, value);
      if (stack !== undefined) log.place({ thread, site, kind, stack });
      return value;
    } finally {
      known.add(key);
      log.leave();
    }
  }
}

/** Who asked for the access. */
function stackHere(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  const frames = (new Error().stack ?? "").split("\n").slice(1);
  Error.stackTraceLimit = limit;
  return frames.filter((frame) => !OWN_FILES.test(frame)).join("\n");
}
