/** A device that is not left in peace: bursts of requests, and after a random moment a reset, a rebind or a nap. */
import { defineGuest, type GuestContext } from "../../src/guest/define.ts";
import type { PciDevice } from "../../src/guest/pci/pci-device.ts";
import { Random } from "../../src/wire/random.ts";
import type { Adapter } from "./adapter.ts";
import { ADAPTERS } from "./adapters/index.ts";
import { type Endings, settle, sum } from "./settle.ts";

export interface RestlessArgs {
  readonly adapter: string;
  readonly rounds: number;
  readonly seed: number;
}

const WAIT_MS_MAX = 2;
const ROUNDS_PER_CHECK = 10;

const DISTURBANCES: readonly ((guest: GuestContext, device: PciDevice, adapter: Adapter) => void)[] = [
  (guest, _device, { virtioId }) => {
    const virtio = guest.virtio.devices.find(({ id }) => id.device === virtioId);
    if (virtio !== undefined) guest.virtio.reset(virtio);
  },
  (guest, device) => {
    guest.pci.unbind(device);
    guest.pci.attach(device);
  },
  (guest, device) => {
    guest.pci.suspend(device);
    guest.pci.resume(device);
  },
];

export default defineGuest(async (guest): Promise<Endings> => {
  const { adapter: name, rounds, seed } = guest.args as RestlessArgs;
  const adapter = ADAPTERS[name];
  const random = new Random(seed);
  const endings: Endings[] = [];
  for (let round = 1; round <= rounds; round++) {
    const device = guest.pci.devices.find(({ subsystemDevice }) => subsystemDevice === adapter?.virtioId);
    if (adapter === undefined || device === undefined) throw new Error(`no device ${name}`);
    const burst = adapter.burst(guest);
    const wait = (random.next() / 2 ** 32) * WAIT_MS_MAX;
    for (const begun = performance.now(); performance.now() - begun < wait; ) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    DISTURBANCES[random.next() % DISTURBANCES.length]?.(guest, device, adapter);
    endings.push(await settle(burst));
    if (round % ROUNDS_PER_CHECK === 0) await adapter.traffic(guest);
  }
  return sum(endings);
});
