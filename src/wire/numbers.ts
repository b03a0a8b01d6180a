/**
 * Branded numbers. A guest-physical address is not an offset into RAM, a 16-bit ring index is not a slot;
 * mixing them up is a type error. Addresses stay below 2^53, so a plain number holds them exactly.
 */

/** Guest-physical address, in bytes. */
export type GuestAddress = number & { readonly __brand: "GuestAddress" };
/** Free-running ring index, 0..65535, wraps modulo 65536. */
export type U16 = number & { readonly __brand: "U16" };

export const guestAddress = (value: number): GuestAddress => value as GuestAddress;
export const u16 = (value: number): U16 => (value & 0xffff) as U16;

export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 1 << PAGE_SHIFT;
export const SECTOR_SIZE = 512;

/** `value` rounded up to a multiple of `alignment` (a power of two); exact above 2^32 as well. */
export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

export function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && 2 ** Math.round(Math.log2(value)) === value;
}
