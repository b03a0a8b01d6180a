/** Split virtqueues: descriptors, chains, rings, indices [2.7]. */

import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import type { ChainFault, Queue } from "../model.ts";
import { type Moments, RING_FIELDS, rule, ruleOf } from "../moments.ts";
import { writerOf } from "../ring-sites.ts";

const BYTES_MAX = 2 ** 32;
/** More segments than this, each smaller than this on average: shredded. */
const SHRED_SEGMENTS = 64;
const SHRED_BYTES = 64;

const fault = (id: string, kind: ChainFault, what: string) =>
  rule(id, "malformed", ({ chain, queue }) =>
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
  rule("SPLIT-DRV-04", "available", ({ chain: { segments, head, bytes } }) =>
    segments.length > SHRED_SEGMENTS && bytes < SHRED_BYTES * segments.length
      ? `head ${head} has ${segments.length} elements for ${bytes} bytes`
      : undefined,
  ),
  fault("SPLIT-DRV-05", "loop", "the chain loops"),
  rule("SPLIT-DRV-05", "available", ({ chain }) =>
    !chain.faults.includes("loop") && chain.bytes > BYTES_MAX
      ? `head ${chain.head} describes ${chain.bytes} bytes`
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
    for (const slot of chain.descriptors) {
      const other = queue.owners[slot];
      if (other !== undefined) return `descriptor ${slot} is in heads ${chain.head} and ${other.head}`;
    }
    return false;
  }),
  rule("SPLIT-DRV-18", "store", ({ field }) => `the driver writes ${field}`, {
    side: "driver",
    fields: RING_FIELDS.filter((field) => writerOf(field) === "device"),
  }),
  rule("SPLIT-DEV-04", "store", ({ slot }) => `the device writes descriptor ${slot}`, {
    side: "device",
    fields: ["descriptor"],
  }),
  rule("SPLIT-DEV-18", "store", ({ field }) => `the device writes ${field}`, {
    side: "device",
    fields: RING_FIELDS.filter((field) => field !== "descriptor" && writerOf(field) === "driver"),
  }),
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
  rule(
    "SPLIT-DRV-30",
    "store",
    ({ slot, queue }) => {
      const behind = (queue.availIndex - 1 - slot) & (queue.size - 1);
      const out = ahead(queue.availIndex, queue.usedIndex);
      return (
        behind < out &&
        slot !== (queue.entriesWritten & (queue.size - 1)) &&
        `entry ${slot} is written after avail.idx covered it`
      );
    },
    { side: "driver", fields: ["availEntry"] },
  ),
  rule("SPLIT-DEV-13", "publishUsed", ({ queue, index }) => {
    const count = ahead(index, queue.usedIndex);
    const written = (queue.elementsWritten >> 1) & 0xffff;
    const missing = count <= queue.size && ahead(index, written) !== 0 && ahead(index, written) <= queue.size;
    return queue.watched.includes("device") && missing && `used.idx ${index} with elements up to ${written}`;
  }),
  rule("SPLIT-DEV-14", "used", ({ element: { chain, length, id }, queue }) => {
    const filled = chain?.written ?? 0;
    const seen = queue.watched.includes("device") && chain !== undefined;
    const capacity = chain === undefined ? 0 : chain.writableBytes;
    return (
      seen &&
      length <= capacity &&
      filled < length &&
      `head ${id}: used with length ${length}, ${filled} bytes were written`
    );
  }),
  rule("SPLIT-DEV-15", "used", ({ element: { chain, length, id } }) => {
    if (chain === undefined) return false;
    const capacity = chain.writableBytes;
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
  rule(
    "SPLIT-DEV-19",
    "look",
    ({ slot, queue }) => {
      const behind = (queue.availIndex - 1 - slot) & (queue.size - 1);
      const out = ahead(queue.availIndex, queue.usedIndex);
      return (
        behind >= out && `the device reads entry ${slot}, which avail.idx ${queue.availIndex} does not cover`
      );
    },
    { side: "device", fields: ["availEntry"] },
  ),
  rule("LEGACY-BOTH-01", "stray", ({ label, offset, retired }) =>
    retired ? undefined : `${label} at offset 0x${offset.toString(16)}, where no ring has that field`,
  ),
  rule("SPLIT-DEV-02", "bytes", wrongWay, { side: "device", write: true }),
  rule("SPLIT-DEV-03", "bytes", wrongWay, { side: "device", write: false }),
  // Their readers have nothing but the used length to go by; a block request's status byte lies behind it.
  ...[VIRTIO_TYPE.net, VIRTIO_TYPE.console].map((type) =>
    ruleOf(type)("SPLIT-DRV-22", "bytes", beyondUsed, { side: "driver", write: false }),
  ),
];

/** A read that touches what lies behind the used length of the buffer that came back last. */
export function beyondUsed({ device, peek, offset, length }: Moments["bytes"]): string | undefined {
  const address = peek.ram.addressOf(offset);
  for (const queue of device.queues.values()) {
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
function wrongWay({ write, length, queue, chain, part }: Moments["bytes"]): string | undefined {
  if (part === undefined || part.writable === write) return undefined;
  const what = write ? "written, which is readable" : "read, which is writable";
  return `${length} bytes of head ${chain?.head} of queue ${queue?.index} are ${what}`;
}
