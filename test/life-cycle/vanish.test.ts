/**
 * A function is pulled out before any single access that its guest makes, from enumeration to the last unbinding, one
 * life for each. Whatever the access was, nobody throws, every request ends, nothing is left behind, and the next
 * device in the place works. The driver has a part of the device on a second CPU where the device has the queues.
 *
 * VIRTLAB_VANISH=1 tries all accesses of each, otherwise one in 31.
 */
import { expect, test } from "vitest";
import { devices } from "../../src/devices/index.ts";
import type { Balloon, Console, Disk, Entropy, Nic } from "../../src/drivers/index.ts";
import { drivers } from "../../src/drivers/index.ts";
import type { PciDevice } from "../../src/guest/pci/pci-device.ts";
import type { DeviceModel, DeviceOptions } from "../../src/host/device.ts";
import { checkOptions } from "../../src/machine/devices.ts";
import { RING_FEATURES } from "../../src/wire/features.ts";
import { DirectMachine } from "../support/direct-machine.ts";
import { present } from "./rig.ts";

type Tier = "msix" | "msix-shared" | "intx";

const SLOT = 4;
const CPUS = 2;
/** Message irqs that a CPU has. */
const MESSAGES = new DirectMachine().guest.irq.availableMsi;
const STEP = Math.max(1, Number(process.env.VIRTLAB_VANISH || 31));
const RAM_BYTES = 4 * 2 ** 20;
const platform = { now: () => 0, randomFill: (bytes: Uint8Array) => bytes.fill(1), after: () => () => {} };

interface Kind {
  readonly options: Readonly<Record<string, string | number>>;
  /** Requests of a driver's half; each must end. */
  readonly use: (data: never) => Promise<unknown>[];
}

const KINDS: Readonly<Record<string, Kind>> = {
  blk: {
    options: { size: "64K", queues: CPUS },
    use: (disk: Disk) => [disk.read(0, 8), disk.write(8, new Uint8Array(512)), disk.flush()],
  },
  net: { options: { queues: CPUS }, use: (nic: Nic) => [nic.send(new Uint8Array(60))] },
  rng: { options: {}, use: (entropy: Entropy) => [entropy.read(8)] },
  console: {
    options: {},
    use: (console: Console) => [console.port(0).then((port) => port.write(new Uint8Array(10)))],
  },
  balloon: { options: { target: "64K" }, use: (balloon: Balloon) => [balloon.settled()] },
};

class Life {
  readonly machine: DirectMachine;
  /** Of the guest to the device; the function goes before this one. */
  accesses = 0;
  readonly requests: Promise<unknown>[] = [];
  readonly #driver;
  readonly #kind: Kind;
  readonly #name: string;

  constructor(name: string, tier: Tier, vanishAt: number) {
    this.#name = name;
    this.#kind = present(KINDS[name]);
    this.#driver = present(drivers.find(({ deviceId }) => deviceId === present(devices[name]).virtioId));
    const before = <Arguments extends unknown[], Answer>(access: (...args: Arguments) => Answer) => {
      return (...args: Arguments): Answer => {
        const [fn] = this.machine.host.functions;
        if (this.accesses++ === vanishAt && fn !== undefined) void this.machine.host.unplug(fn);
        return access(...args);
      };
    };
    this.machine = new DirectMachine({
      interruptTiers: tier,
      ramBytes: RAM_BYTES,
      hotPlug: true,
      cpus: CPUS,
      parts: true,
      platform,
      intercept: (handler) => ({
        portRead: before(handler.portRead.bind(handler)),
        portWrite: before(handler.portWrite.bind(handler)),
        mmioRead: before(handler.mmioRead.bind(handler)),
        mmioWrite: before(handler.mmioWrite.bind(handler)),
      }),
    });
  }

  /** Everything that a guest may do to a device, also when it has not noticed yet that it is gone. */
  async live(): Promise<void> {
    const { machine } = this;
    machine.host.addDevice(await this.#device());
    const { guest, otherGuests } = machine;
    for (const each of [...otherGuests, guest]) each.virtio.registerDriver(this.#driver);
    guest.boot();
    const { pci, virtio } = guest;
    const [device] = pci.devices.filter(({ bdf }) => bdf.slot === SLOT);
    this.#use();
    machine.settle();
    if (device !== undefined) this.#mask(device);
    this.#use();
    if (device !== undefined) pci.suspend(device);
    if (device !== undefined) pci.resume(device);
    machine.settle();
    this.#use();
    for (const each of virtio.devices) virtio.reset(each);
    this.#use();
    if (device !== undefined && pci.devices.includes(device)) {
      pci.unbind(device);
      pci.attach(device);
    }
    this.#use();
    machine.settle();
  }

  /** The next one in the place works, and when it is left there is nothing of either. */
  async end(): Promise<void> {
    const { machine } = this;
    const { host, guest, otherGuests } = machine;
    if (host.functions.length === 0) host.plug(await this.#device());
    machine.settle();
    expect(guest.virtio.findAll(this.#driver)).toHaveLength(1);
    await machine.run(Promise.allSettled(this.requests));
    const fresh = this.#kind.use(guest.virtio.findAll(this.#driver)[0] as never);
    await machine.run(Promise.all(fresh));
    guest.shutdown();
    for (const { memory, irq } of [guest, ...otherGuests]) {
      expect(memory.allocatedBytes).toBe(0);
      expect(irq.handlerCount).toBe(1);
      expect(irq.availableMsi).toBe(MESSAGES);
    }
    expect(guest.pci.resources.claims).toEqual([]);
    expect(machine.violations).toEqual([]);
  }

  /** Of the function; then of each vector, and where it goes. */
  #mask(device: PciDevice): void {
    const { pci } = this.machine.guest;
    if (device.msixSize === 0) return;
    for (const masked of [true, false]) {
      pci.maskFunction(device, masked);
      device.msixMessages.forEach((_, vector) => {
        pci.maskVector(device, vector, masked);
        pci.setAffinity(device, vector, 0);
      });
    }
  }

  #use(): void {
    for (const { virtio } of [this.machine.guest, ...this.machine.otherGuests]) {
      for (const data of virtio.findAll(this.#driver)) this.requests.push(...this.#kind.use(data as never));
    }
    // How they end is of no interest, only that they do.
    for (const request of this.requests) request.catch(() => undefined);
  }

  async #device() {
    const definition = present(devices[this.#name]);
    const options: DeviceOptions = checkOptions(definition, this.#kind.options);
    const model: DeviceModel = await definition.create(options, platform);
    return {
      slot: SLOT,
      name: this.#name,
      virtioId: definition.virtioId,
      model,
      queueSize: 8,
      msixVectors: model.queues.length + 1,
      transportFeatures: RING_FEATURES,
    };
  }
}

const CASES = Object.keys(KINDS).flatMap((name) =>
  (["msix", "msix-shared", "intx"] as const).map((tier) => [name, tier] as const),
);

test.each(CASES)("%s on %s: pulled out before any of its accesses", async (name, tier) => {
  const whole = new Life(name, tier, -1);
  await whole.live();
  const { accesses } = whole;
  await whole.end();
  expect(accesses).toBeGreaterThan(100);
  for (let access = 0; access < accesses; access += STEP) {
    const life = new Life(name, tier, access);
    try {
      await life.live();
      await life.end();
    } catch (error) {
      throw new Error(`access ${access} of ${accesses}`, { cause: error });
    }
  }
});
