import { expect, test } from "vitest";
import type { DiskFile } from "../../../src/devices/blk/file-disk.ts";
import { shortened } from "../../../src/stress/faults/flaky-disk.ts";
import { Random } from "../../../src/wire/random.ts";

test("a short write ends with a whole sector: a host that dies then has torn none", async () => {
  const random = new Random(1);
  const lengths: number[] = [];
  const file = {
    write: async (_buffer: Uint8Array, _offset: number, length: number) => {
      lengths.push(length);
      return { bytesWritten: length };
    },
  } as unknown as DiskFile;
  const short = shortened(file, { is: () => true, below: (limit) => random.next() % limit });
  for (let write = 0; write < 200; write++) await short.write(new Uint8Array(4096), 0, 4096, 0);
  expect(lengths.filter((length) => length % 512 !== 0)).toEqual([]);
  expect([Math.min(...lengths), Math.max(...lengths)]).toEqual([512, 4096]);
});
