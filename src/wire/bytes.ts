/** Little-endian fields in private byte arrays (never over shared memory: read a peer's bytes once, then decode). */

export const getU16 = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
export const getU32 = (bytes: Uint8Array, at: number): number =>
  (getU16(bytes, at) | (getU16(bytes, at + 2) << 16)) >>> 0;
/** Exact below 2^53. */
export const getU64 = (bytes: Uint8Array, at: number): number =>
  getU32(bytes, at) + getU32(bytes, at + 4) * 0x1_0000_0000;

export function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}
export function putU32(bytes: Uint8Array, at: number, value: number): void {
  putU16(bytes, at, value);
  putU16(bytes, at + 2, value >>> 16);
}
export function putU64(bytes: Uint8Array, at: number, value: number): void {
  putU32(bytes, at, value >>> 0);
  putU32(bytes, at + 4, Math.floor(value / 0x1_0000_0000));
}
