/** What every PortBus must do with a RegisterFile at its other end. */
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { PortBus, Width } from "../../src/bus/port-bus.ts";
import { MAILBOX_SLOTS } from "../../src/memory/plan.ts";
import { LOG, MMIO_BASE, NEGATIVE, REGISTER_BYTES } from "./register-file.ts";

export interface BusUnderTest {
  readonly bus: PortBus;
  /** How many writes the other end has served, seen without using the bus. */
  served(): number;
  close(): Promise<void>;
}

const WIDTHS = [1, 2, 4] as const;
const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
const access = fc.constantFrom<Width>(...WIDTHS).chain((width) =>
  fc.record({
    width: fc.constant(width),
    at: fc.nat(0x800 / width - 1).map((index) => index * width),
    value: fc.oneof(fc.constantFrom(0, 2 ** (8 * width) - 1), fc.nat({ max: 2 ** (8 * width) - 1 })),
  }),
);

export function portBusContract(name: string, create: () => Promise<BusUnderTest>): void {
  describe(`${name} as PortBus`, () => {
    let under: BusUnderTest;
    let bus: PortBus;
    beforeAll(async () => {
      under = await create();
      bus = under.bus;
    });
    afterAll(() => under.close());
    beforeEach(() => bus.out(LOG.clear, 4, 0));

    function readLog(): { address: number; value: number }[] {
      return Array.from({ length: bus.in(LOG.length, 4) }, (_, index) => {
        bus.out(LOG.select, 4, index);
        return { address: bus.in(LOG.address, 4), value: bus.in(LOG.value, 4) };
      });
    }

    it("carries every port and value at every width, little-endian", () => {
      fc.assert(
        fc.property(access, ({ at, width, value }) => {
          bus.out(at, width, value);
          expect(bus.in(at, width)).toBe(value);
          for (let byte = 0; byte < width; byte++) {
            expect(bus.in(at + byte, 1)).toBe((value >>> (8 * byte)) & 0xff);
          }
        }),
      );
    });

    it("carries memory-mapped accesses, apart from ports", () => {
      fc.assert(
        fc.property(access, access, (port, mapped) => {
          bus.out(port.at, port.width, port.value);
          bus.mmioWrite(MMIO_BASE + mapped.at, mapped.width, mapped.value);
          expect(bus.mmioRead(MMIO_BASE + mapped.at, mapped.width)).toBe(mapped.value);
          expect(bus.in(port.at, port.width)).toBe(port.value);
        }),
      );
    });

    it("carries values as unsigned words both ways", () => {
      bus.out(0, 4, 0x8000_0000 | 1);
      expect([bus.in(0, 4), bus.in(NEGATIVE, 4)]).toEqual([0x8000_0001, 0xffff_fffe]);
      expect(readLog()).toEqual([{ address: 0, value: 0x8000_0001 }]);
    });

    it("completes a read after every earlier write, of any kind", () => {
      for (let round = 1; round <= 200; round++) {
        const before = under.served();
        bus.out(round, 1, round & 0xff);
        bus.mmioWrite(MMIO_BASE + 8, 4, round);
        bus.out(REGISTER_BYTES - 4, 4, round);
        expect(bus.in(REGISTER_BYTES - 4, 4)).toBe(round);
        expect(under.served()).toBe(before + 3);
      }
    });

    it("delivers writes in the order they were made, more than a ring can hold", () => {
      const writes = Array.from({ length: 5 * MAILBOX_SLOTS + 3 }, (_, index) => ({
        address: (index * 4) % REGISTER_BYTES,
        value: index * 1_000_003,
      }));
      for (const { address, value } of writes) bus.out(address, 4, value);
      expect(readLog()).toEqual(writes);
    });

    it.each([MAILBOX_SLOTS - 2, MAILBOX_SLOTS - 1, MAILBOX_SLOTS, MAILBOX_SLOTS + 1])(
      "delivers %i writes and the read after them",
      (count) => {
        for (let index = 0; index < count; index++) bus.out(16, 2, index);
        expect(bus.in(16, 2)).toBe(count - 1);
        expect(bus.in(LOG.length, 4)).toBe(count);
      },
    );

    it.each([CONFIG_ADDRESS, CONFIG_DATA, CONFIG_DATA + 3])(
      "completes a configuration write to %i",
      (port) => {
        for (let round = 0; round < 50; round++) {
          const before = under.served();
          bus.out(8, 1, round);
          bus.out(port, 1, round);
          // No read in between: both have been served when the configuration write returns.
          expect(under.served()).toBe(before + 2);
        }
      },
    );
  });
}
