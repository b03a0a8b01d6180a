/** Faults planted between our driver and whoever its counterpart is: a store changed or lost, a register write too. */
import type { PortBus, Width } from "../../src/bus/port-bus.ts";
import type { SharedMemory } from "../../src/memory/shared-memory.ts";
import { type SiteLabel, siteLabel } from "../../src/wire/sites.ts";

/** The value to store instead; undefined: nothing is stored. */
export type Spoil = (value: number, offset: number) => number | undefined;

const STORES = new Set(["write8", "write16", "write32", "store16", "store32"]);

/** Changes what is stored at a site. */
export function spoilMemory(site: SiteLabel, spoil: Spoil): (memory: SharedMemory) => SharedMemory {
  return (memory) =>
    new Proxy(memory, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        if (!STORES.has(String(name))) return member.bind(target);
        return (offset: number, value: number, at: number) => {
          const stored = siteLabel(at) === site ? spoil(value, offset) : value;
          if (stored !== undefined) member.call(target, offset, stored, at);
        };
      },
    });
}

/** Changes what is written to BAR0 of the one device there is, by register offset; `mmio` the MSI-X table. */
export function spoilBus(spoils: {
  readonly port?: { readonly offset: number; readonly spoil: Spoil };
  readonly mmio?: { readonly offset: number; readonly spoil: Spoil };
}): (bus: PortBus) => PortBus {
  const changed = (which: "port" | "mmio", value: number, address: number): number | undefined => {
    const one = spoils[which];
    return one === undefined || address % BLOCK !== one.offset ? value : one.spoil(value, address);
  };
  return (bus) => ({
    in: (port: number, width: Width) => bus.in(port, width),
    out(port, width, value) {
      const written = port < FIRST_PORT ? value : changed("port", value, port);
      if (written !== undefined) bus.out(port, width, written);
    },
    mmioRead: (address, width) => bus.mmioRead(address, width),
    mmioWrite(address, width, value) {
      const written = changed("mmio", value, address);
      if (written !== undefined) bus.mmioWrite(address, width, written);
    },
  });
}

/** Where our guest puts I/O BARs, and the alignment of the first of them. */
const FIRST_PORT = 0xc000;
const BLOCK = 128;
