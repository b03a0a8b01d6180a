/** A machine in one thread with slow echo devices, for tests of what happens while requests are in flight. */
import type { PortHandler } from "../../src/bus/port-bus.ts";
import type { GuestOptions } from "../../src/guest/guest.ts";
import type { VirtioFunction } from "../../src/host/virtio-function.ts";
import { RING_FEATURES } from "../../src/wire/features.ts";
import { DirectMachine } from "../support/direct-machine.ts";
import { ECHO_ID, type Echo, echoDriver, slowEcho } from "./slow-echo.ts";

export interface RigOptions {
  readonly slots?: readonly number[];
  readonly tiers?: GuestOptions["interruptTiers"];
  readonly queues?: number;
  readonly vectors?: number;
  readonly cpus?: number;
  /** Of INDIRECT_DESC and EVENT_IDX, those that devices offer. */
  readonly ringFeatures?: number;
  /** Called before each access of the guest's to the bus. */
  readonly beforeAccess?: () => void;
}

export function echoRig({
  slots = [4],
  tiers = "auto",
  queues = 1,
  vectors = 4,
  cpus = 1,
  ringFeatures = RING_FEATURES,
  beforeAccess,
}: RigOptions = {}) {
  const intercept = beforeAccess && ((handler: PortHandler) => announced(handler, beforeAccess));
  const machine = new DirectMachine({
    interruptTiers: tiers,
    hotPlug: true,
    cpus,
    ...(intercept && { intercept }),
  });
  const driver = echoDriver(queues);
  const options = (slot: number, model: ReturnType<typeof slowEcho>["model"]) => ({
    slot,
    name: "echo",
    virtioId: ECHO_ID,
    model,
    queueSize: 8,
    msixVectors: vectors,
    transportFeatures: ringFeatures,
  });
  const devices = slots.map((slot) => {
    const echo = slowEcho(queues);
    return { ...echo, fn: machine.host.addDevice(options(slot, echo.model)) };
  });
  machine.guest.boot([driver]);
  const pciDevice = (slot: number) => {
    const found = machine.guest.pci.devices.find(({ bdf }) => bdf.slot === slot);
    if (found === undefined) throw new Error(`the guest knows no device in slot ${slot}`);
    return found;
  };
  const plug = (slot: number): { echo: ReturnType<typeof slowEcho>; fn: VirtioFunction } => {
    const echo = slowEcho(queues);
    return { echo, fn: machine.host.plug(options(slot, echo.model)) };
  };
  const first = devices[0];
  if (first === undefined) throw new Error("a rig has at least one device");
  /** Drivers of the devices that are bound now, in order of binding. */
  const drivers = (): Echo[] => machine.guest.virtio.findAll(driver);
  return {
    machine,
    driver,
    devices,
    first,
    drivers,
    driverAt: (index = 0) => drivers()[index],
    pciDevice,
    plug,
  };
}

function announced(handler: PortHandler, before: () => void): PortHandler {
  const after = <Value>(access: () => Value): Value => {
    before();
    return access();
  };
  return {
    portRead: (...at) => after(() => handler.portRead(...at)),
    portWrite: (...at) => after(() => handler.portWrite(...at)),
    mmioRead: (...at) => after(() => handler.mmioRead(...at)),
    mmioWrite: (...at) => after(() => handler.mmioWrite(...at)),
  };
}

/** The one that must be there. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("expected something, found nothing");
  return value;
}
