/** cell: what the memory room costs in live mode, against the typed array and the `Atomics` call it stands for. */
import { allocateShared, attachMemory } from "../src/memory/attach.ts";
import type { SharedMemory } from "../src/memory/shared-memory.ts";
import { alternate, pairedRatio, summarise } from "./harness/alternate.ts";
import type { Bench, Plan, Result } from "./harness/bench.ts";
import { wasmLoad } from "./harness/wasm-load.ts";

const WASM = "atomic load, a WebAssembly call";
const WORDS = 1024;
const MASK = WORDS - 1;

/** Both sides of one access: each returns a checksum. */
interface Pair {
  readonly name: string;
  readonly room: (memory: SharedMemory, count: number) => number;
  readonly bare: (words: Uint32Array, count: number) => number;
}

const PAIRS: readonly Pair[] = [
  {
    name: "plain read",
    room(memory, count) {
      let sum = 0;
      for (let i = 0; i < count; i++) sum = (sum + memory.read32(4 * (i & MASK), 0)) | 0;
      return sum;
    },
    bare(words, count) {
      let sum = 0;
      for (let i = 0; i < count; i++) sum = (sum + (words[(4 * (i & MASK)) >>> 2] as number)) | 0;
      return sum;
    },
  },
  {
    name: "plain write",
    room(memory, count) {
      for (let i = 0; i < count; i++) memory.write32(4 * (i & MASK), i, 0);
      return memory.read32(4 * ((count - 1) & MASK), 0);
    },
    bare(words, count) {
      for (let i = 0; i < count; i++) words[(4 * (i & MASK)) >>> 2] = i;
      return words[(count - 1) & MASK] as number;
    },
  },
  {
    name: "atomic load",
    room(memory, count) {
      let sum = 0;
      for (let i = 0; i < count; i++) sum = (sum + memory.load32(4 * (i & MASK), 0)) | 0;
      return sum;
    },
    bare(words, count) {
      let sum = 0;
      for (let i = 0; i < count; i++) sum = (sum + Atomics.load(words, (4 * (i & MASK)) >>> 2)) | 0;
      return sum;
    },
  },
  {
    name: "atomic store",
    room(memory, count) {
      for (let i = 0; i < count; i++) memory.store32(4 * (i & MASK), i, 0);
      return memory.load32(4 * ((count - 1) & MASK), 0);
    },
    bare(words, count) {
      for (let i = 0; i < count; i++) Atomics.store(words, (4 * (i & MASK)) >>> 2, i);
      return Atomics.load(words, (count - 1) & MASK);
    },
  },
];

export const cell: Bench = {
  name: "cell",
  about: "one access through the memory room, against the bare typed array",
  async run(plan) {
    const buffer = allocateShared(4 * WORDS);
    const memory = attachMemory(buffer);
    const words = new Uint32Array(buffer);
    const count = plan.scale(1_000_000, 200_000);
    const results: Result[] = [];
    for (const { name, room, bare } of PAIRS) {
      if (!plan.wants(name)) continue;
      const sums: number[] = [];
      const times = await alternate(plan, {
        room: () => timed(() => sums.push(room(memory, count))),
        bare: () => timed(() => sums.push(bare(words, count))),
      });
      if (new Set(sums).size > 1 && !name.endsWith("read")) throw new Error(`${name}: checksums ${sums}`);
      results.push(
        summarise({
          bench: "cell",
          case: name,
          unit: "ns",
          values: times.room.map((ms) => (ms * 1e6) / count),
          ratios: { vsTypedArray: pairedRatio(times.room, times.bare) },
        }),
      );
    }
    if (plan.wants(WASM)) results.push(await measureWasm(plan, count));
    return results;
  },
};

/** Not the memory room's: what a call into WebAssembly would cost in the place of an `Atomics` call. */
async function measureWasm(plan: Plan, count: number): Promise<Result> {
  const { load, words } = wasmLoad();
  const called = (): number => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum = (sum + load(4 * (i & MASK))) | 0;
    return sum;
  };
  const atomics = (): number => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum = (sum + Atomics.load(words, (4 * (i & MASK)) >>> 2)) | 0;
    return sum;
  };
  const times = await alternate(plan, { wasm: () => timed(called), bare: () => timed(atomics) });
  return summarise({
    bench: "cell",
    case: WASM,
    unit: "ns",
    values: times.wasm.map((ms) => (ms * 1e6) / count),
    ratios: { vsTypedArray: pairedRatio(times.wasm, times.bare) },
  });
}

function timed(work: () => void): number {
  const begun = performance.now();
  work();
  return performance.now() - begun;
}
