/** Split virtqueues: descriptors, chains, rings, indices [2.7]. */
import { bytesOf, type ChainFault, type Queue } from "../model.ts";
import { type Moments, rule } from "../moments.ts";
import { writerOf } from "../ring-sites.ts";

const BYTES_MAX = 2 ** 32;
/** More segments than this, each smaller than this on average: shredded. */
const SHRED_SEGMENTS = 64;
const SHRED_BYTES = 64;

const fault = (id: string, kind: ChainFault, what: string) =>
  rule(id, "available", ({ chain, queue }) =>
    chain.faults.includes(kind) ? `head ${chain.head} of queue ${queue.index}: ${what}` : undefined,
  );

const swap16 = (value: number): number => ((value & 0xff) << 8) | (value >>> 8);
const ahead = (index: number, of: number): number => (index - of) & 0xffff;

/** An index that makes no sense as it is and would make sense with its bytes the other way round. */
const swapped = (queue: Queue, index: number): boolean =>
  ahead(index, queue.availIndex) > queue.size &&
  ahead(swap16(index), queue.availIndex) <= queue.size &&
  swap16(index) !== queue.availIndex;

export const ringRules = [
  rule("SPLIT-DRV-03", "available", ({ chain }) => {
    const firstWritable = chain.segments.findIndex(({ writable }) => writable);
    const late = chain.segments.findIndex(
      ({ writable }, at) => !writable && firstWritable >= 0 && at > firstWritable,
    );
    return late >= 0 && `element ${late} of head ${chain.head} is readable after a writable one`;
  }),
  rule("SPLIT-DRV-04", "available", ({ chain: { segments, head } }) =>
    segments.length > SHRED_SEGMENTS && bytesOf(segments) < SHRED_BYTES * segments.length
      ? `head ${head} has ${segments.length} elements for ${bytesOf(segments)} bytes`
      : undefined,
  ),
  fault("SPLIT-DRV-05", "loop", "the chain loops"),
  rule("SPLIT-DRV-05", "available", ({ chain }) =>
    !chain.faults.includes("loop") && bytesOf(chain.segments) > BYTES_MAX
      ? `head ${chain.head} describes ${bytesOf(chain.segments)} bytes`
      : undefined,
  ),
  fault("SPLIT-DRV-08", "indirect-off", "an indirect descriptor without INDIRECT_DESC"),
  fault("SPLIT-DRV-09", "indirect-nested", "an indirect descriptor in an indirect table"),
  rule("SPLIT-DRV-10", "available", ({ chain, queue }) =>
    chain.segments.length > queue.size && !chain.faults.includes("loop")
      ? `head ${chain.head} has ${chain.segments.length} elements, the queue ${queue.size}`
      : undefined,
  ),
  fault("SPLIT-DRV-11", "indirect-next", "INDIRECT and NEXT in one descriptor"),
  fault("SPLIT-DRV-13", "indirect-length", "an indirect table of a length or place that cannot be"),
  fault("SPLIT-DRV-17", "next-range", "next leads out of the table"),
  fault("FEAT-DRV-09", "outside-ram", "an address outside guest RAM"),
  rule("SPLIT-DRV-14", "publish", ({ queue, index }) =>
    ahead(index, queue.availIndex) > queue.size && !swapped(queue, index)
      ? `avail.idx goes from ${queue.availIndex} to ${index} in a queue of ${queue.size}`
      : undefined,
  ),
  rule("LEGACY-BOTH-02", "publish", ({ queue, index }) =>
    swapped(queue, index)
      ? `avail.idx ${index} after ${queue.availIndex}: its bytes are the wrong way round`
      : undefined,
  ),
  fault("SPLIT-DRV-15", "head-range", "there is no such descriptor"),
  rule("SPLIT-DRV-15", "available", ({ chain, queue }) =>
    queue.outstanding.has(chain.head) ? `head ${chain.head} is outstanding already` : undefined,
  ),
  rule("SPLIT-DRV-16", "available", ({ chain, queue }) => {
    if (queue.outstanding.has(chain.head)) return false;
    for (const other of queue.outstanding.values()) {
      const shared = chain.descriptors.find((slot) => other.descriptors.includes(slot));
      if (shared !== undefined) return `descriptor ${shared} is in heads ${chain.head} and ${other.head}`;
    }
    return false;
  }),
  rule("SPLIT-DRV-18", "store", ({ side, field }) =>
    side === "driver" && writerOf(field) === "device" ? `the driver writes ${field}` : undefined,
  ),
  rule("SPLIT-DEV-04", "store", ({ side, field, slot }) =>
    side === "device" && field === "descriptor" ? `the device writes descriptor ${slot}` : undefined,
  ),
  rule("SPLIT-DEV-18", "store", ({ side, field }) =>
    side === "device" && field !== "descriptor" && writerOf(field) === "driver"
      ? `the device writes ${field}`
      : undefined,
  ),
  rule("SPLIT-DRV-30", "publish", ({ queue, index, device }) => {
    const count = ahead(index, queue.availIndex);
    const written = ahead(queue.entriesWritten, queue.availIndex);
    return (
      queue.watched.includes("driver") &&
      count <= queue.size &&
      written < count &&
      `${device.view.name}: avail.idx covers ${count} entries, ${written} were written`
    );
  }),
  rule("SPLIT-DRV-30", "store", ({ side, field, slot, queue }) => {
    if (side !== "driver" || field !== "availEntry") return false;
    const behind = (queue.availIndex - 1 - slot) & (queue.size - 1);
    const out = ahead(queue.availIndex, queue.usedIndex);
    return (
      behind < out &&
      slot !== (queue.entriesWritten & (queue.size - 1)) &&
      `entry ${slot} is written after avail.idx covered it`
    );
  }),
  rule("SPLIT-DEV-13", "publishUsed", ({ queue, index }) => {
    const count = ahead(index, queue.usedIndex);
    const written = (queue.elementsWritten >> 1) & 0xffff;
    const missing = count <= queue.size && ahead(index, written) !== 0 && ahead(index, written) <= queue.size;
    return queue.watched.includes("device") && missing && `used.idx ${index} with elements up to ${written}`;
  }),
  rule("SPLIT-DEV-14", "used", ({ element: { chain, length, id }, queue }) => {
    const filled = chain?.written ?? 0;
    const seen = queue.watched.includes("device") && chain !== undefined;
    const capacity = chain === undefined ? 0 : bytesOf(chain.writable);
    return (
      seen &&
      length <= capacity &&
      filled < length &&
      `head ${id}: used with length ${length}, ${filled} bytes were written`
    );
  }),
  rule("SPLIT-DEV-15", "used", ({ element: { chain, length, id } }) => {
    if (chain === undefined) return false;
    const capacity = bytesOf(chain.writable);
    return length > capacity && `head ${id}: used with length ${length}, its writable part has ${capacity}`;
  }),
  rule("SPLIT-DEV-16", "used", ({ element: { chain, id } }) =>
    chain === undefined ? `used element names ${id}, which is no head in flight` : undefined,
  ),
  rule("SPLIT-DEV-17", "publishUsed", ({ queue, index }) => {
    const back = ahead(index, queue.usedIndex);
    const out = ahead(queue.availIndex, queue.usedIndex);
    return (
      back > out && `used.idx goes from ${queue.usedIndex} to ${index}, avail.idx is ${queue.availIndex}`
    );
  }),
  rule("SPLIT-DEV-19", "look", ({ side, field, slot, queue }) => {
    if (side !== "device" || field !== "availEntry") return false;
    const behind = (queue.availIndex - 1 - slot) & (queue.size - 1);
    const out = ahead(queue.availIndex, queue.usedIndex);
    return (
      behind >= out && `the device reads entry ${slot}, which avail.idx ${queue.availIndex} does not cover`
    );
  }),
  rule("LEGACY-BOTH-01", "stray", ({ label, offset, retired }) =>
    retired ? undefined : `${label} at offset 0x${offset.toString(16)}, where no ring has that field`,
  ),
  rule("SPLIT-DEV-02", "bytes", (moment) => wrongWay(moment, true)),
  rule("SPLIT-DEV-03", "bytes", (moment) => wrongWay(moment, false)),
  rule("SPLIT-DRV-22", "bytes", ({ side, write, offset, length, device, peek }) => {
    if (side !== "driver" || write || !GO_BY_LENGTH.includes(device.view.virtioId)) return false;
    return beyondUsed(device.queues.values(), peek.ram.addressOf(offset), length);
  }),
];

const NET = 1;
const CONSOLE = 3;
/** Types whose readers have nothing but the used length to go by; a block request's status byte lies behind it. */
const GO_BY_LENGTH = [NET, CONSOLE];

/** A read that touches what lies behind the used length of the buffer that came back last. */
export function beyondUsed(queues: Iterable<Queue>, address: number, length: number): string | undefined {
  for (const queue of queues) {
    const used = queue.lastUsed;
    if (used?.chain === undefined || queue.outstanding.has(used.id)) continue;
    let valid = used.length;
    for (const part of used.chain.writable) {
      const end = part.address + Math.min(valid, part.length);
      const inside = address >= part.address && address < part.address + part.length;
      if (inside && address + length > end)
        return `${length} bytes at 0x${address.toString(16)} reach beyond used length ${used.length}`;
      valid = Math.max(0, valid - part.length);
    }
  }
  return undefined;
}

/** The device writes what it may only read, or reads what it may only write. */
function wrongWay(
  { side, write, offset, length, device, peek }: Moments["bytes"],
  writes: boolean,
): string | undefined {
  if (side !== "device" || write !== writes) return undefined;
  const address = peek.ram.addressOf(offset);
  let hit: string | undefined;
  for (const queue of device.queues.values()) {
    for (const chain of queue.outstanding.values()) {
      for (const part of chain.segments) {
        if (address < part.address || address >= part.address + part.length) continue;
        if (part.writable === write) return undefined;
        hit = `${length} bytes of head ${chain.head} of queue ${queue.index} are ${write ? "written, which is readable" : "read, which is writable"}`;
      }
    }
  }
  return hit;
}
