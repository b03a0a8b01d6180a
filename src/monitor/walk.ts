/** Walks a chain that the driver has published, noting what is wrong with its shape instead of stopping at it. */
import { FEATURE } from "../wire/features.ts";
import { DESCRIPTOR, DESCRIPTOR_BYTES, DESCRIPTOR_FLAG } from "../wire/ring.ts";
import { Chain, type Queue } from "./model.ts";
import type { Peek } from "./peek.ts";

/** An indirect table longer than this is not walked to its end. */
const ENTRIES_MAX = 4096;

export function walk(queue: Queue, head: number, peek: Peek): Chain {
  const chain = new Chain(head);
  if (head >= queue.size) chain.faults.push("head-range");
  else follow(chain, queue, peek, { table: queue.base, entries: queue.size, first: head, nested: false });
  return chain;
}

interface Table {
  readonly table: number;
  readonly entries: number;
  readonly first: number;
  readonly nested: boolean;
}

function follow(chain: Chain, queue: Queue, peek: Peek, { table, entries, first, nested }: Table): void {
  let index = first;
  for (let steps = 0; ; steps++) {
    if (steps >= Math.min(entries, ENTRIES_MAX)) {
      chain.faults.push("loop");
      return;
    }
    const at = table + DESCRIPTOR_BYTES * index;
    const flags = peek.u16(at + DESCRIPTOR.flags);
    const length = peek.u32(at + DESCRIPTOR.length);
    const address = peek.u32(at + DESCRIPTOR.addressHigh) * 2 ** 32 + peek.u32(at + DESCRIPTOR.addressLow);
    if (!nested) chain.descriptors.push(index);
    if ((flags & DESCRIPTOR_FLAG.INDIRECT) !== 0) {
      into(chain, queue, peek, { address, length, flags, nested });
      return;
    }
    chain.add(address, length, (flags & DESCRIPTOR_FLAG.WRITE) !== 0);
    if (peek.ram.offsetOf(address, length) < 0) chain.faults.push("outside-ram");
    if ((flags & DESCRIPTOR_FLAG.NEXT) === 0) return;
    index = peek.u16(at + DESCRIPTOR.next);
    if (index >= entries) {
      chain.faults.push("next-range");
      return;
    }
  }
}

interface Indirect {
  readonly address: number;
  readonly length: number;
  readonly flags: number;
  readonly nested: boolean;
}

function into(chain: Chain, queue: Queue, peek: Peek, { address, length, flags, nested }: Indirect): void {
  if (nested) {
    chain.faults.push("indirect-nested");
    return;
  }
  chain.indirect = true;
  if (!queue.device.has(FEATURE.INDIRECT_DESC)) chain.faults.push("indirect-off");
  if ((flags & DESCRIPTOR_FLAG.NEXT) !== 0) chain.faults.push("indirect-next");
  const entries = length / DESCRIPTOR_BYTES;
  const table = peek.ram.offsetOf(address, length);
  if (table < 0) chain.faults.push("outside-ram");
  else if (!Number.isInteger(entries) || entries === 0 || table % 4 !== 0)
    chain.faults.push("indirect-length");
  else follow(chain, queue, peek, { table, entries, first: 0, nested: true });
}
