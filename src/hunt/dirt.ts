/**
 * Which parts of the shared memories an execution has written: one bit each in the shared words, so that the next one
 * begins with clean memory and few bytes are touched to make it so.
 */
import { AREA, DIRT_WORDS, lowest } from "./state.ts";

const CHUNKS = 32 * DIRT_WORDS;
const CHUNK_SHIFT_MIN = 6;
/** An imported constant is loaded each time; one of the module's own is part of the code. */
const DIRT = AREA.dirt;

interface Clearable {
  readonly byteLength: number;
  clear(offset: number, bytes: number): void;
}

export class Dirt {
  private readonly words: Int32Array;
  private readonly memories: readonly Clearable[];
  private readonly shifts: readonly number[];

  /** The memories by number. */
  constructor(words: Int32Array, memories: readonly Clearable[]) {
    this.words = words;
    this.memories = memories;
    this.shifts = memories.map(({ byteLength }) =>
      Math.max(CHUNK_SHIFT_MIN, Math.ceil(Math.log2(byteLength / CHUNKS))),
    );
  }

  mark(memory: number, offset: number, bytes: number): void {
    const { words } = this;
    const shift = this.shifts[memory] as number;
    const last = (offset + Math.max(bytes, 1) - 1) >>> shift;
    for (let chunk = offset >>> shift; chunk <= last; chunk++) {
      const at = DIRT + memory * DIRT_WORDS + (chunk >>> 5);
      words[at] = (words[at] as number) | (1 << (chunk & 31));
    }
  }

  clear(): void {
    const { words } = this;
    for (const [memory, target] of this.memories.entries()) {
      const size = 1 << (this.shifts[memory] as number);
      for (let word = 0; word < DIRT_WORDS; word++) {
        const at = DIRT + memory * DIRT_WORDS + word;
        let bits = words[at] as number;
        if (bits === 0) continue;
        words[at] = 0;
        for (; bits !== 0; bits &= bits - 1) {
          const offset = (32 * word + lowest(bits)) * size;
          target.clear(offset, Math.min(size, target.byteLength - offset));
        }
      }
    }
  }
}
