import { expect, test } from "vitest";
import { decodeStats, encodeStats } from "../../src/wire/balloon.ts";
import {
  consoleQueueCount,
  decodeControl,
  decodeSize,
  encodeControl,
  encodeSize,
  rxQueueOf,
  txQueueOf,
} from "../../src/wire/console.ts";

test.each([
  [0, 0, 1],
  [1, 4, 5],
  [2, 6, 7],
  [30, 62, 63],
])("port %i has queues %i and %i", (port, receive, transmit) => {
  expect([rxQueueOf(port), txQueueOf(port)]).toEqual([receive, transmit]);
});

test("31 ports need 64 queues", () => {
  expect(consoleQueueCount(31)).toBe(64);
});

test("control messages are id, event, value and payload, little-endian", () => {
  const bytes = encodeControl({ id: 0x01020304, event: 7, value: 1, payload: Uint8Array.of(0x61) });
  expect([...bytes]).toEqual([4, 3, 2, 1, 7, 0, 1, 0, 0x61]);
  expect(decodeControl(bytes)).toEqual({ id: 0x01020304, event: 7, value: 1, payload: Uint8Array.of(0x61) });
  expect(decodeControl(bytes.subarray(0, 7))).toBeUndefined();
});

test("a size is columns, then rows", () => {
  expect([...encodeSize({ cols: 80, rows: 25 })]).toEqual([80, 0, 25, 0]);
  expect(decodeSize(Uint8Array.of(80, 0, 25, 0))).toEqual({ cols: 80, rows: 25 });
});

test("statistics are packed tags and values; unknown tags are passed over", () => {
  const bytes = encodeStats({ freeBytes: 0x1_0000_0001, totalBytes: 5 });
  expect([...bytes]).toEqual([4, 0, 1, 0, 0, 0, 1, 0, 0, 0, 5, 0, 5, 0, 0, 0, 0, 0, 0, 0]);
  const more = Uint8Array.of(...bytes, 99, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  expect(decodeStats(more)).toEqual({ freeBytes: 0x1_0000_0001, totalBytes: 5 });
});
