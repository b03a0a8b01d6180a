/**
 * A thread's newest events, in shared memory, so that they can be read when the thread is asleep, stuck or gone. When
 * the ring is full the oldest go, and are counted.
 *
 *   word 0   events written so far
 *   records  of 8 words each: ms, ns within it, kind | detail << 16, slot, place, value, duration in ns
 */
import type { SharedMemory } from "../../memory/shared-memory.ts";
import { EVENT_KINDS, type EventKind, type TraceEvent } from "./event.ts";

const HEADER_BYTES = 64;
const RECORD_BYTES = 32;
const NUMBERS = Object.fromEntries(EVENT_KINDS.map((kind, number) => [kind, number])) as Record<
  EventKind,
  number
>;

export const eventRingBytes = (events: number): number => HEADER_BYTES + RECORD_BYTES * events;

export class EventRing {
  readonly capacity: number;
  private readonly memory: SharedMemory;
  private written = 0;

  constructor(memory: SharedMemory) {
    this.memory = memory;
    this.capacity = Math.floor((memory.byteLength - HEADER_BYTES) / RECORD_BYTES);
  }

  /** For the thread whose ring it is. */
  add(
    time: number,
    kind: EventKind,
    slot: number,
    place: number,
    value: number,
    detail = 0,
    duration = 0,
  ): void {
    const memory = this.memory;
    const at = HEADER_BYTES + RECORD_BYTES * (this.written % this.capacity);
    const ms = Math.floor(time);
    memory.write32(at, ms, 0);
    memory.write32(at + 4, (time - ms) * 1e6, 0);
    memory.write32(at + 8, NUMBERS[kind] | (detail << 16), 0);
    memory.write32(at + 12, slot, 0);
    memory.write32(at + 16, place, 0);
    memory.write32(at + 20, value, 0);
    memory.write32(at + 24, duration, 0);
    this.written++;
    memory.store32(0, this.written, 0);
  }

  /** For any thread: the events that are still there, oldest first, and how many are not. */
  read(): { events: TraceEvent[]; dropped: number } {
    const written = this.memory.load32(0, 0);
    const dropped = Math.max(0, written - this.capacity);
    const events: TraceEvent[] = [];
    for (let n = dropped; n < written; n++)
      events.push(this.#event(HEADER_BYTES + RECORD_BYTES * (n % this.capacity)));
    return { events, dropped };
  }

  #event(at: number): TraceEvent {
    const read = (word: number) => this.memory.read32(at + 4 * word, 0);
    const head = read(2);
    return {
      time: read(0) + read(1) / 1e6,
      kind: EVENT_KINDS[head & 0xffff] ?? "access",
      slot: read(3) | 0,
      place: read(4),
      value: read(5),
      detail: head >>> 16,
      duration: read(6),
    };
  }
}
