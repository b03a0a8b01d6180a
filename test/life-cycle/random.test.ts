/**
 * Random lives: requests, answers, resets, sleep, masks, unbinding, plugging and pulling out, in any order and at any
 * moment. Whatever happens, each request ends once, and nothing is left behind.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { PciDevice } from "../../src/guest/pci/pci-device.ts";
import type { InterruptTier } from "../../src/guest/virtio/types.ts";
import { RING_FEATURES } from "../../src/wire/features.ts";
import { echoRig, present } from "./rig.ts";
import type { Echo } from "./slow-echo.ts";

const SLOT = 4;
const QUEUES = 2;
/** The queue holds so many requests of one descriptor each. */
const IN_FLIGHT_MAX = 8;
const RUNS = 300;

const ACTIONS = [
  "send 0",
  "send 1",
  "answer",
  "host turn",
  "guest turn",
  "settle",
  "reset",
  "rebind",
  "suspend",
  "resume",
  "mask vector",
  "unmask vector",
  "mask all",
  "unmask all",
  "pull out",
  "ask for",
  "plug",
  "configure",
] as const;
type Action = (typeof ACTIONS)[number];

class Life {
  readonly rig: ReturnType<typeof echoRig>;
  readonly drivers = new Set<Echo>();
  #device: { answer(value?: number): void };

  constructor(tiers: Exclude<InterruptTier, "none">, ringFeatures: number) {
    this.rig = echoRig({ tiers, queues: QUEUES, ringFeatures });
    this.#device = this.rig.first;
    this.#meet();
  }

  do(action: Action): void {
    const { machine } = this.rig;
    const { pci, virtio } = machine.guest;
    const device = this.#pciDevice();
    const fn = machine.host.functions[0];
    switch (action) {
      case "send 0":
      case "send 1":
        this.#send(Number(action.at(-1)));
        break;
      case "answer":
        this.#device.answer();
        break;
      case "host turn":
        machine.host.poll();
        break;
      case "guest turn":
        machine.guest.poll();
        break;
      case "settle":
        machine.settle();
        break;
      case "reset":
        if (virtio.devices[0] !== undefined) virtio.reset(virtio.devices[0]);
        break;
      case "rebind":
        if (device !== undefined) {
          pci.unbind(device);
          pci.attach(device);
        }
        break;
      case "suspend":
      case "resume":
        if (device !== undefined) pci[action](device);
        break;
      case "pull out":
        if (fn !== undefined) void machine.host.unplug(fn);
        break;
      case "ask for":
        if (fn !== undefined) void machine.host.requestUnplug(fn);
        break;
      case "plug":
        if (fn === undefined) this.#device = this.rig.plug(SLOT).echo;
        break;
      case "configure":
        fn?.device.updateConfig(0, Uint8Array.of(1));
        break;
      default:
        if (device !== undefined) this.#mask(device, action.startsWith("mask"), action.endsWith("vector"));
    }
    this.#meet();
  }

  /** Everything is undone that keeps a request from its end. */
  end(): void {
    const { machine } = this.rig;
    machine.settle();
    this.#meet();
    const device = this.#pciDevice();
    if (device !== undefined) {
      machine.guest.pci.resume(device);
      this.#mask(device, false, true);
      this.#mask(device, false, false);
    }
    machine.settle();
    this.#device.answer();
    machine.settle();
  }

  #send(queue: number): void {
    const driver = this.rig.driverAt();
    const out = driver?.results.filter((result) => result === "in flight").length ?? IN_FLIGHT_MAX;
    if (out < IN_FLIGHT_MAX) driver?.send(queue);
  }

  #mask(device: PciDevice, masked: boolean, one: boolean): void {
    const { pci } = this.rig.machine.guest;
    const vectors = device.msixMessages.length;
    // What sleeps answers no table write; what was pulled out has no registers.
    if (device.savedState !== undefined || device.read16(0) === 0xffff) return;
    if (vectors === 0) device.setIntx(!masked);
    else if (one) pci.maskVector(device, vectors - 1, masked);
    else pci.maskFunction(device, masked);
  }

  #pciDevice(): PciDevice | undefined {
    return this.rig.machine.guest.pci.devices.find(({ bdf }) => bdf.slot === SLOT);
  }

  #meet(): void {
    for (const driver of this.rig.drivers()) this.drivers.add(driver);
  }
}

test.each(["msix", "msix-shared", "intx"] as const)(
  "every request ends once, whatever happens (%s)",
  (tier) => {
    const lives = fc.record({
      actions: fc.array(fc.constantFrom(...ACTIONS), { maxLength: 60 }),
      ringFeatures: fc.constantFrom(0, RING_FEATURES),
    });
    fc.assert(
      fc.property(lives, ({ actions, ringFeatures }) => {
        const life = new Life(tier, ringFeatures);
        for (const action of actions) life.do(action);
        life.end();
        for (const driver of life.drivers) {
          for (const result of driver.results) expect(["answered 1", "cancelled"]).toContain(result);
        }
        const { machine } = life.rig;
        expect(machine.violations).toEqual([]);
        machine.guest.shutdown();
        expect(machine.guest.memory.allocatedBytes).toBe(0);
        expect(machine.guest.irq.handlerCount).toBe(1);
        present(machine.guest.pci.devices[0]);
      }),
      { numRuns: RUNS },
    );
  },
);
