/**
 * net: frames through driver, queues and device to a loop back-end and back, against the bare copies that this comes
 * to; on several queue pairs also against the same on one.
 */
import { median } from "simple-statistics";
import { allocateShared, attachMemory } from "../src/memory/attach.ts";
import type { NetArgs, NetResult } from "./guests/net.ts";
import { alternate, pairedRatio, summarise } from "./harness/alternate.ts";
import type { Bench, Plan, Result } from "./harness/bench.ts";
import { type MachineRun, startMachine } from "./harness/machine.ts";

const PROGRAM = new URL("guests/net.ts", import.meta.url);
const PAIRS_MOST = 4;
const OUTSTANDING = 128;

interface Case extends Omit<NetArgs, "count" | "outstanding"> {
  readonly count: number;
}

const SMALL = { bytes: 64, count: 5_000 };
const LARGE = { bytes: 1500, count: 2_500 };
const CASES: readonly Case[] = [SMALL, LARGE].flatMap((frame) =>
  [1, 2, PAIRS_MOST].map((pairs) => ({ ...frame, pairs })),
);

export const net: Bench = {
  name: "net",
  about: "frames to a loop back-end and back, against bare copies, on one and on several queue pairs",
  async run(plan) {
    const results: Result[] = [];
    const several = await startNet(PAIRS_MOST);
    const one = await startNet(1);
    for (const each of CASES) {
      if (plan.wants(nameOf(each))) results.push(await measure(plan, each, several, one));
    }
    await Promise.all([several.stop(), one.stop()]);
    return results;
  },
};

const startNet = (queues: number) =>
  startMachine(PROGRAM, { devices: [{ type: "net", options: { queues } }] });

const nameOf = ({ bytes, pairs }: Case): string =>
  `${bytes}-byte frames, ${pairs} queue pair${pairs === 1 ? "" : "s"}`;

async function measure(plan: Plan, each: Case, several: MachineRun, one: MachineRun): Promise<Result> {
  plan.note(`net: ${nameOf(each)}`);
  const args: NetArgs = { ...each, outstanding: OUTSTANDING, count: plan.scale(each.count, each.count / 10) };
  const { bytes, count } = args;
  const loop = (machine: MachineRun, pairs: number) => async () => {
    const { ms, checksum } = await machine.run<NetResult>({ ...args, pairs });
    if (checksum !== (count * (count - 1)) / 2) throw new Error("the wrong frames came back");
    return ms;
  };
  const onePair = loop(one, 1);
  const times = await alternate(plan, {
    this: each.pairs === 1 ? onePair : loop(several, each.pairs),
    copies: () => copyFrames(bytes, count),
    onePair: each.pairs === 1 ? () => 0 : onePair,
  });
  const rates = times.this.map((ms) => count / ms);
  return summarise({
    bench: "net",
    case: nameOf(each),
    unit: "k/s",
    values: rates,
    ratios: {
      vsCopies: pairedRatio(times.copies, times.this),
      ...(each.pairs > 1 && { vsOnePair: pairedRatio(times.onePair, times.this) }),
    },
    details: { "MB/s": (bytes * median(rates)) / 1000 },
  });
}

/** Into guest RAM, to the device, back into guest RAM, to the program: from buffer to buffer in turn. */
function copyFrames(bytes: number, count: number): number {
  const room = bytes * OUTSTANDING;
  const ram = attachMemory(allocateShared(2 * room)).window(0, 2 * room, "write", 0);
  const frame = new Uint8Array(bytes);
  const scratch = new Uint8Array(bytes);
  const begun = performance.now();
  for (let number = 0; number < count; number++) {
    const out = ram.subarray((number % OUTSTANDING) * bytes, ((number % OUTSTANDING) + 1) * bytes);
    const back = ram.subarray(room + out.byteOffset, room + out.byteOffset + bytes);
    out.set(frame);
    scratch.set(out);
    back.set(scratch);
    frame.set(back);
  }
  return performance.now() - begun;
}
