/** The guest's part of a cell of the life-cycle table: one step of one device, every claim checked here. */
import { defineGuest, type GuestContext } from "../../src/guest/define.ts";
import type { PciDevice } from "../../src/guest/pci/pci-device.ts";
import type { Adapter } from "./adapter.ts";
import { ADAPTERS } from "./adapters/index.ts";
import { type Endings, settle, sum } from "./settle.ts";

export const GUEST_STEPS = ["probe", "traffic", "reset", "rebind", "unplug", "absent", "suspend"] as const;
export type GuestStep = (typeof GUEST_STEPS)[number];

export interface StepArgs {
  readonly adapter: string;
  readonly step: GuestStep;
  readonly tier: string;
  /** Functions on the device's INTx line, where it uses one. */
  readonly sharers: number;
  /** Broadcast channel on which "unplug" says that it has requests in flight. */
  readonly channel: string;
}

const DRIVER_OK = 7;
export default defineGuest(async (guest): Promise<Endings | null> => {
  const args = guest.args as StepArgs;
  const adapter = ADAPTERS[args.adapter];
  if (adapter === undefined) throw new Error(`no adapter ${args.adapter}`);
  return STEPS[args.step](guest, adapter, args);
});

type Step = (guest: GuestContext, adapter: Adapter, args: StepArgs) => Promise<Endings | null>;

const STEPS: Record<GuestStep, Step> = {
  async probe(guest, { virtioId }, { tier, sharers }) {
    const device = guest.virtio.devices.find(({ id }) => id.device === virtioId);
    if (device === undefined) throw new Error("the device was not found");
    const status = device.transport.getStatus();
    if (status !== DRIVER_OK) throw new Error(`status is ${status}, not ${DRIVER_OK}`);
    if (device.transport.tier !== tier) throw new Error(`tier is ${device.transport.tier}, not ${tier}`);
    const line = guest.irq.table().find(({ names }) => names.includes(device.name));
    const found = line?.names.length ?? 0;
    if (tier === "intx" && found !== sharers)
      throw new Error(`${found} handlers on the line, not ${sharers}`);
    return null;
  },

  async traffic(guest, adapter) {
    await adapter.traffic(guest);
    return null;
  },

  async reset(guest, adapter) {
    const burst = await inFlight(guest, adapter);
    const device = guest.virtio.devices.find(({ id }) => id.device === adapter.virtioId);
    if (device !== undefined) guest.virtio.reset(device);
    const endings = await settle(burst);
    await adapter.traffic(guest);
    return endings;
  },

  async rebind(guest, adapter) {
    const device = pciDevice(guest, adapter);
    const burst = await inFlight(guest, adapter);
    guest.pci.unbind(device);
    const endings = await settle(burst);
    if (!guest.pci.attach(device)) throw new Error("no driver took the device back");
    await adapter.traffic(guest);
    return endings;
  },

  /** The device is pulled out, or asked for, while this waits. */
  async unplug(guest, adapter, { channel: name }) {
    const device = pciDevice(guest, adapter);
    const endings: Endings[] = [];
    // One burst is always in flight while the one before it ends.
    let last = settle(adapter.burst(guest));
    const channel = new BroadcastChannel(name);
    channel.postMessage("in flight");
    while (guest.pci.devices.includes(device)) {
      const next = settle(adapter.burst(guest));
      endings.push(await last);
      last = next;
      await new Promise((resolve) => setImmediate(resolve));
    }
    channel.close();
    return sum([...endings, await last]);
  },

  async absent(guest, { virtioId }) {
    if (guest.virtio.devices.some(({ id }) => id.device === virtioId)) throw new Error("it is still there");
    return null;
  },

  async suspend(guest, adapter) {
    const device = pciDevice(guest, adapter);
    const before = adapter.burst(guest);
    guest.pci.suspend(device);
    const during = adapter.burst(guest);
    await new Promise((resolve) => setTimeout(resolve, 20));
    guest.pci.resume(device);
    const endings = await settle([...before, ...during]);
    if (endings.cancelled > 0) throw new Error(`${endings.cancelled} requests were cancelled`);
    await adapter.traffic(guest);
    return endings;
  },
};

function pciDevice(guest: GuestContext, { virtioId }: Adapter): PciDevice {
  const found = guest.pci.devices.find(({ subsystemDevice }) => subsystemDevice === virtioId);
  if (found === undefined) throw new Error("the device was not found");
  return found;
}

/** Requests of which the first have been answered and the last have not. */
async function inFlight(guest: GuestContext, adapter: Adapter): Promise<readonly Promise<unknown>[]> {
  const first = adapter.burst(guest);
  await Promise.race(first);
  return [...first, ...adapter.burst(guest)];
}
