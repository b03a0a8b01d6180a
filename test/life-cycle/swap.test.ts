/** A function that goes, or is swapped for another just like it, before any one access of what the guest does to it. */
import { expect, test } from "vitest";
import type { PciDevice } from "../../src/guest/pci/pci-device.ts";
import { CONFIG_ADDRESS_PORT } from "../../src/wire/pci.ts";
import { echoRig, present } from "./rig.ts";
import type { slowEcho } from "./slow-echo.ts";

type Rig = ReturnType<typeof echoRig>;
type Tier = (typeof TIERS)[number];
type Device = ReturnType<typeof slowEcho>;

const SLOT = 4;
const TIERS = ["msix", "intx"] as const;

const STEPS = {
  "a suspend and a resume": ({ machine }, device) => {
    machine.guest.pci.suspend(device);
    machine.guest.pci.resume(device);
  },
  "a reset": ({ machine }) => {
    for (const device of machine.guest.virtio.devices) machine.guest.virtio.reset(device);
  },
  "a rebind": ({ machine }, device) => {
    machine.guest.pci.unbind(device);
    machine.guest.pci.attach(device);
  },
  "a mask of all vectors": ({ machine }, device) => {
    machine.guest.pci.maskFunction(device, true);
    machine.guest.pci.maskFunction(device, false);
  },
  "a look at the bus": ({ machine }) => machine.guest.pci.rescan(),
  "the first look at it": (rig) => {
    swap(rig);
    rig.machine.settle();
  },
} satisfies Record<string, (rig: Rig, device: PciDevice) => void>;
type Step = keyof typeof STEPS;

const pull = ({ machine }: Rig): void => {
  for (const fn of machine.host.functions) void machine.host.unplug(fn);
};

/**
 * As a host that is killed and started again does it: what the guest did to the old one is lost, the half of a
 * configuration access that selects a register too, and the guest is told.
 */
function swap(rig: Rig): Device {
  pull(rig);
  rig.machine.host.handler.portWrite(CONFIG_ADDRESS_PORT, 4, 0);
  return rig.plug(SLOT).echo;
}

/** Does the step, and `interfere` before its nth access; undefined where it has fewer. */
function disturbed<T>(tiers: Tier, step: Step, nth: number, interfere: (rig: Rig) => T) {
  let left = Number.POSITIVE_INFINITY;
  let done: { readonly value: T } | undefined;
  const rig: Rig = echoRig({
    tiers,
    beforeAccess: () => {
      if (--left === 0) done = { value: interfere(rig) };
    },
  });
  const before = rig.machine.footprint();
  const old = present(rig.driverAt());
  old.send();
  rig.machine.settle();
  left = nth;
  STEPS[step](rig, rig.pciDevice(SLOT));
  left = Number.POSITIVE_INFINITY;
  rig.machine.settle();
  return done && { rig, old, before, ...done };
}

/** After a swap there is a device as before, and it works; of the old one nothing is left. */
function wrongAfterSwap(tiers: Tier, step: Step, nth: number): unknown {
  const after = disturbed(tiers, step, nth, swap);
  if (after === undefined) return undefined;
  const { rig, old, before, value: device } = after;
  const { machine } = rig;
  const fresh = rig.driverAt();
  if (fresh === undefined) return { nth, log: machine.log };
  fresh.send();
  machine.settle();
  device.answer(3);
  machine.settle();
  const { devices: _, ...footprint } = machine.footprint();
  const ended = { nth, old: old.results, fresh: fresh.results, breaches: machine.violations, footprint };
  const { devices: __, ...expected } = before;
  const wanted = { nth, old: ["cancelled"], fresh: ["answered 3"], breaches: [], footprint: expected };
  return same(ended, wanted) ? null : ended;
}

/** And after it was pulled out there is nothing. */
function wrongAfterPull(tiers: Tier, step: Step, nth: number): unknown {
  const after = disturbed(tiers, step, nth, pull);
  if (after === undefined) return undefined;
  const { old, rig } = after;
  const { pci, memory, irq } = rig.machine.guest;
  const left = [pci.devices.length, memory.allocatedBytes, irq.handlerCount, pci.resources.claims.length];
  const ended = { nth, old: old.results, left };
  return same(ended, { nth, old: ["cancelled"], left: [1, 0, 1, 0] }) ? null : ended;
}

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

const CASES = TIERS.flatMap((tiers) => (Object.keys(STEPS) as Step[]).map((step) => [tiers, step] as const));

test.each([
  ["swapped", wrongAfterSwap],
  ["pulled out", wrongAfterPull],
] as const)("%s before any access of anything", (_, wrongAfter) => {
  const wrong: unknown[] = [];
  for (const [tiers, step] of CASES) {
    let nth = 0;
    for (;;) {
      const found = wrongAfter(tiers, step, ++nth);
      if (found === undefined) break;
      if (found !== null) wrong.push({ tiers, step, found });
    }
    expect({ step, accesses: nth > 5 }).toEqual({ step, accesses: true });
  }
  expect(wrong).toEqual([]);
});
