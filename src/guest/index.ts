/** The public guest side: programs, drivers, and what they use. */
export { QueueCounters } from "../observe/record/counters.ts";
export { defineDriver, defineGuest, type GuestContext, type GuestProgram, type RunOn } from "./define.ts";
export { Guest, type GuestOptions } from "./guest.ts";
export { GuestMemory, OutOfMemoryError } from "./guest-memory.ts";
export { type InterruptRow, IrqCore, type IrqHandler } from "./irq.ts";
export { GuestLoop, type GuestLoopOptions } from "./loop.ts";
export { Pci, type PciDescription } from "./pci/pci.ts";
export type { Bar, PciDevice } from "./pci/pci-device.ts";
export type { PciDeviceId, PciDriver } from "./pci/pci-driver.ts";
export { type Log, ProbeError } from "./probe-error.ts";
export { VirtioBus } from "./virtio/bus.ts";
export type {
  InterruptChoice,
  InterruptTier,
  QueueRequest,
  VirtioDevice,
  VirtioDriver,
  VirtioTransport,
} from "./virtio/types.ts";
export { DriverQueue } from "./virtqueue/driver-queue.ts";
export { ScatterList } from "./virtqueue/scatter-list.ts";
