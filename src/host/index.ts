/** What a device writer needs: `import { defineDevice } from "virtlab/host"`. */
export {
  type DeviceCommand,
  type DeviceContext,
  type DeviceDefinition,
  type DeviceModel,
  type DeviceOption,
  type DeviceOptions,
  type DevicePart,
  defineDevice,
  type Platform,
  type QueueContext,
  type QueueSpec,
  UsageError,
} from "./device.ts";
export type { PageHolder } from "./held-pages.ts";
export { type SharedBytes, sharedBytes, viewOf } from "./shared-bytes.ts";
export type { Violation, ViolationKind, ViolationSink } from "./violation.ts";
export { Chain } from "./virtqueue/chain.ts";
export { DeviceQueue } from "./virtqueue/device-queue.ts";
