/** A size that users write, in pages. */
import { UsageError } from "../../host/index.ts";
import { BALLOON_PAGE_SIZE } from "../../wire/balloon.ts";
import { sizeInBytes } from "../../wire/size.ts";

export function parsePages(name: string, size: string | number): number {
  const pages = (sizeInBytes(size) ?? Number.NaN) / BALLOON_PAGE_SIZE;
  if (Number.isInteger(pages)) return pages;
  throw new UsageError(`${name}: expected whole pages of ${BALLOON_PAGE_SIZE} bytes, found "${size}"`);
}
