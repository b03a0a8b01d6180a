/** The caller's mistakes, found before they reach a device: what was expected, and what came. */

/** What is wrong with a number that has to be whole and within bounds, if anything. */
export function notWhole(what: string, value: number, min: number, max: number): RangeError | undefined {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return undefined;
  const bounds = max === Number.MAX_SAFE_INTEGER ? `from ${min} on` : `from ${min} to ${max}`;
  return new RangeError(`${what}: expected a whole number ${bounds}, got ${shown(value)}`);
}

/** The number, or the error thrown. */
export function whole(what: string, value: number, min: number, max: number): number {
  const problem = notWhole(what, value, min, max);
  if (problem !== undefined) throw problem;
  return value;
}

export function notBytes(what: string, value: unknown): TypeError | undefined {
  if (value instanceof Uint8Array) return undefined;
  return new TypeError(`${what}: expected a Uint8Array, got ${shown(value)}`);
}

/** Short, and plain where it is text or no object. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  if (typeof value === "object" && value !== null)
    return `an object of class ${value.constructor?.name ?? "none"}`;
  if (typeof value === "bigint") return `${value}n`;
  return typeof value === "function" ? "a function" : String(value);
}
