/** What users write about ports: sizes and names. */
import { UsageError } from "../../host/index.ts";
import type { ConsoleSize } from "../../wire/console.ts";

/** A control message with its name fits any sensible control buffer. */
const NAME_BYTES_MAX = 100;

export function parseConsoleSize(name: string, text: string): ConsoleSize {
  const match = /^(\d{1,5})x(\d{1,5})$/.exec(text);
  const [cols, rows] = [Number(match?.[1]), Number(match?.[2])];
  if (cols <= 0xffff && rows <= 0xffff) return { cols, rows };
  throw new UsageError(`${name}: expected COLUMNSxROWS, as in 80x25, found "${text}"`);
}

export function checkedPortName(name: string, text: string): string {
  const { length } = new TextEncoder().encode(text);
  if (length >= 1 && length <= NAME_BYTES_MAX && !text.includes("\0")) return text;
  throw new UsageError(`${name}: expected a name of 1 to ${NAME_BYTES_MAX} bytes, found "${text}"`);
}
