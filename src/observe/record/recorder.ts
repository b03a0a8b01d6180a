/** Writes what one thread does into its event ring: bus accesses, ring steps, interrupts, sleeps. */
import type { ControlPlan } from "../../memory/plan.ts";
import type { Ram } from "../../memory/ram.ts";
import type { MemoryWatcher } from "../../memory/recorded-memory.ts";
import { FEATURE, hasFeature } from "../../wire/features.ts";
import { LEGACY, type LegacyRegister } from "../../wire/legacy-registers.ts";
import { needEvent, USED_ELEMENT_BYTES } from "../../wire/ring.ts";
import { SITE_COUNT, type Site, site } from "../../wire/sites.ts";
import type { EventKind } from "./event.ts";
import type { EventRing } from "./event-ring.ts";
import {
  type Access,
  type FunctionAccess,
  FunctionTable,
  type FunctionView,
  type QueueView,
} from "./functions.ts";

const SUBMIT = site("driver: write avail ring entry");
const PUBLISH = site("driver: publish avail.idx");
const COLLECT = site("driver: read used element");
const TAKE = site("device: read avail ring entry");
const FILL = site("device: write used element");
const PUBLISH_USED = site("device: publish used.idx");
const KICK_WORDS = [site("driver: read used.flags"), site("driver: read avail_event")];
const INTERRUPT_WORDS = [site("device: read avail.flags"), site("device: read used_event")];
const SET_ISR = site("isr: set");
const ASSERT_LINE = site("intx: assert line");
const POST = site("msi: post vector");
const TAKE_VECTORS = site("msi: take vectors");

/** By site: whether an access to a ring is a step of a request. Most are not. */
const STEPS = new Uint8Array(SITE_COUNT);
for (const step of [SUBMIT, PUBLISH, COLLECT, TAKE, FILL, PUBLISH_USED, ...KICK_WORDS, ...INTERRUPT_WORDS]) {
  STEPS[step] = 1;
}
/** Registers whose writes put rings to use or take them out of it. */
const PLACES_RINGS: ReadonlySet<LegacyRegister> = new Set(["status", "queuePfn"]);

/** A ring as it lies in RAM. */
interface Ring {
  readonly view: FunctionView;
  readonly queue: QueueView;
  readonly base: number;
  readonly end: number;
  readonly usedRing: number;
  /** Where kicks and interrupts were decided last, and what is published now. */
  kicked: number;
  avail: number;
  signalled: number;
  used: number;
}

export interface RecorderOptions {
  readonly ring: EventRing;
  readonly ram: Ram;
  readonly plan: ControlPlan;
  /** Milliseconds since the machine's epoch. */
  readonly now: () => number;
  readonly slotOf?: (functionIndex: number) => number | undefined;
}

export class Recorder implements MemoryWatcher {
  readonly #options: RecorderOptions;
  private readonly events: EventRing;
  private readonly now: () => number;
  readonly #table: FunctionTable;
  private rings: Ring[] = [];
  private last: Ring | undefined;
  #access: (Access & { readonly began: number }) | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.events = options.ring;
    this.now = options.now;
    this.#table = new FunctionTable({
      before: (access) => this.#accessed(access),
      after: (access) => {
        if (access.kind === "register" && access.write && PLACES_RINGS.has(access.name)) this.#place();
      },
    });
  }

  /** For whoever sees a slot filled or emptied. */
  readonly slotChanged = (slot: number): void => this.#table.slotChanged(slot);

  /** For the bus. */
  readonly access = (access: Access & { readonly began: number }): void => {
    this.#access = access;
    this.#table.access(access);
  };

  /** On a thread that has no end of the bus: what happens there. */
  hear(access: Access): void {
    this.#access = undefined;
    this.#table.access(access);
  }

  read(number: Site, offset: number, value: number): void {
    if (STEPS[number] !== 1) return;
    if (number === COLLECT) {
      const ring = this.ringAt(offset);
      if (ring !== undefined && isId(ring, offset)) this.add("collect", ring, value);
    } else if (number === TAKE) this.ringEvent("take", offset, value);
    else if (KICK_WORDS.includes(number)) this.decided("kickSpared", offset, value, "kicked", "avail");
    else if (INTERRUPT_WORDS.includes(number))
      this.decided("interruptSpared", offset, value, "signalled", "used");
  }

  write(number: Site, offset: number, value: number): void {
    if (STEPS[number] !== 1) return;
    if (number === SUBMIT) this.ringEvent("submit", offset, value);
    else if (number === PUBLISH) this.published("publish", offset, value, "avail");
    else if (number === PUBLISH_USED) this.published("publishUsed", offset, value, "used");
    else if (number === FILL) {
      const ring = this.ringAt(offset);
      if (ring !== undefined && isId(ring, offset)) this.add("fill", ring, value);
    }
  }

  updated(number: Site, offset: number, operand: number, before: number): void {
    const { plan } = this.#options;
    if (number === SET_ISR) {
      const index = plan.functions.findIndex(({ isr }) => isr === offset);
      this.plain("isr", this.#options.slotOf?.(index) ?? -1, operand);
    } else if (number === ASSERT_LINE) this.plain("line", -1, operand);
    else if (number === POST && offset !== plan.cpus[0]?.summary) this.plain("message", -1, operand);
    else if (number === TAKE_VECTORS && before !== 0 && offset === plan.cpus[0]?.summary)
      this.plain("interrupt", -1, before);
  }

  range(): void {}
  sleep(_offset: number, idle: boolean): void {
    this.plain(idle ? "sleep" : "block", -1, 0);
  }
  wake(): void {
    this.plain("wake", -1, 0);
  }

  #accessed(access: FunctionAccess): void {
    const bus = this.#access;
    if (bus === undefined) return;
    const time = this.now();
    const took = performance.now() - bus.began;
    const kick = access.kind === "register" && access.write && access.name === "queueNotify";
    const place = kick ? access.value : placeOf(access);
    const detail = bus.width | (access.write ? 0x100 : 0) | (SPACES[access.kind] << 9);
    this.events.add(
      time - took,
      kick ? "kick" : "access",
      access.view.slot,
      place,
      access.value,
      detail,
      took * 1e6,
    );
  }

  /** Queues came or went. */
  #place(): void {
    const known = this.rings;
    this.last = undefined;
    this.rings = [...this.#table.functions.values()].flatMap((view) =>
      [...view.queues.values()].flatMap((queue) => {
        const base = queue.layout && this.#options.ram.offsetOf(queue.address, queue.layout.bytes);
        if (queue.layout === undefined || base === undefined || base < 0) return [];
        const old = known.find((ring) => ring.queue === queue && ring.base === base);
        const { bytes, usedRing } = queue.layout;
        const fresh = { kicked: 0, avail: 0, signalled: 0, used: 0 };
        return [old ?? { view, queue, base, end: base + bytes, usedRing: base + usedRing, ...fresh }];
      }),
    );
  }

  /** Mostly the one of before. */
  private ringAt(offset: number): Ring | undefined {
    const last = this.last;
    if (last !== undefined && offset >= last.base && offset < last.end) return last;
    for (const ring of this.rings) {
      if (offset < ring.base || offset >= ring.end) continue;
      this.last = ring;
      return ring;
    }
    return undefined;
  }

  private ringEvent(kind: EventKind, offset: number, value: number): void {
    const ring = this.ringAt(offset);
    if (ring !== undefined) this.add(kind, ring, value);
  }

  private published(kind: EventKind, offset: number, value: number, index: "avail" | "used"): void {
    const ring = this.ringAt(offset);
    if (ring === undefined) return;
    ring[index] = value;
    this.add(kind, ring, value);
  }

  private decided(
    kind: EventKind,
    offset: number,
    word: number,
    decided: "kicked" | "signalled",
    index: "avail" | "used",
  ): void {
    const ring = this.ringAt(offset);
    if (ring === undefined || ring[decided] === ring[index]) return;
    const event = hasFeature(ring.view.accepted, FEATURE.EVENT_IDX);
    const wanted = event ? needEvent(word, ring[index], ring[decided]) : (word & 1) === 0;
    ring[decided] = ring[index];
    if (!wanted) this.add(kind, ring, ring[index]);
  }

  private add(kind: EventKind, { view, queue }: Ring, value: number): void {
    this.events.add(this.now(), kind, view.slot, queue.index, value);
  }
  private plain(kind: EventKind, slot: number, value: number): void {
    this.events.add(this.now(), kind, slot, 0, value);
  }
}

/** Of a used element, the word that names the head. */
const isId = (ring: Ring, offset: number): boolean => (offset - ring.usedRing) % USED_ELEMENT_BYTES === 0;

export const SPACES = { register: 0, config: 1, pci: 2, msix: 3, odd: 4 } as const;

function placeOf(access: FunctionAccess): number {
  if (access.kind === "register") return LEGACY[access.name].offset;
  return access.kind === "config" ? access.raw : access.offset;
}
