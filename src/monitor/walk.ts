/** Walks a chain that the driver has published, noting what is wrong with its shape instead of stopping at it. */
import { FEATURE } from "../wire/features.ts";
import { DESCRIPTOR, DESCRIPTOR_BYTES, DESCRIPTOR_FLAG } from "../wire/ring.ts";
import type { Chain, Queue } from "./model.ts";
import type { Peek } from "./peek.ts";

/** An indirect table longer than this is not walked to its end. */
const ENTRIES_MAX = 4096;

export function walk(queue: Queue, head: number, peek: Peek): Chain {
  const chain = queue.outstanding.fresh(head);
  if (head >= queue.size) chain.faults.push("head-range");
  else follow(chain, queue, peek, queue.base, queue.size, head);
  return chain.walked();
}

/** In the descriptor table, or in an indirect one of `entries`, which begins elsewhere. */
function follow(chain: Chain, queue: Queue, peek: Peek, table: number, entries: number, first: number): void {
  const nested = chain.indirect;
  const most = Math.min(entries, nested ? ENTRIES_MAX : entries);
  let index = first;
  for (let steps = 0; ; steps++) {
    if (steps >= most) {
      chain.faults.push("loop");
      return;
    }
    const at = table + DESCRIPTOR_BYTES * index;
    const last = peek.u32(at + DESCRIPTOR.flags);
    const flags = last & 0xffff;
    const length = peek.u32(at + DESCRIPTOR.length);
    const high = peek.u32(at + DESCRIPTOR.addressHigh);
    const address = peek.u32(at + DESCRIPTOR.addressLow) + (high === 0 ? 0 : high * 2 ** 32);
    if (!nested) chain.addDescriptor(index);
    if ((flags & DESCRIPTOR_FLAG.INDIRECT) !== 0) {
      if (nested) chain.faults.push("indirect-nested");
      else into(chain, queue, peek, address, length, flags);
      return;
    }
    chain.add(address, length, (flags & DESCRIPTOR_FLAG.WRITE) !== 0);
    if (peek.ram.offsetOf(address, length) < 0) chain.faults.push("outside-ram");
    if ((flags & DESCRIPTOR_FLAG.NEXT) === 0) return;
    index = last >>> 16;
    if (index >= entries) {
      chain.faults.push("next-range");
      return;
    }
  }
}

function into(chain: Chain, queue: Queue, peek: Peek, address: number, length: number, flags: number): void {
  chain.indirect = true;
  if (!queue.device.has(FEATURE.INDIRECT_DESC)) chain.faults.push("indirect-off");
  if ((flags & DESCRIPTOR_FLAG.NEXT) !== 0) chain.faults.push("indirect-next");
  const entries = length / DESCRIPTOR_BYTES;
  const table = peek.ram.offsetOf(address, length);
  if (table < 0) chain.faults.push("outside-ram");
  else if (!Number.isInteger(entries) || entries === 0 || table % 4 !== 0)
    chain.faults.push("indirect-length");
  else follow(chain, queue, peek, table, entries, 0);
}
