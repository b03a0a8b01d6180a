/** "64M", "1.5g", "4096" as bytes; units are powers of 1024, as QEMU's. Undefined: not a whole number of bytes. */
export function sizeInBytes(value: number | string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(String(value).trim());
  const unit = match?.[2]?.toLowerCase() ?? "";
  const bytes = Number(match?.[1]) * 1024 ** ["", "k", "m", "g", "t"].indexOf(unit);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
