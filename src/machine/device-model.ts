/** A device's model, as its definition makes it, held against what a model has to be: a user's module may return anything. */
import {
  type DeviceDefinition,
  type DeviceModel,
  type DeviceOptions,
  type Platform,
  UsageError,
} from "../host/device.ts";
import { isQueueSize } from "../wire/ring.ts";
import { displayUrl } from "./thread.ts";

/** `type` is what the device was asked for by: its name, or the path of its module. */
export async function createModel(
  definition: DeviceDefinition,
  type: string,
  options: DeviceOptions,
  platform: Platform,
): Promise<DeviceModel> {
  const made: unknown = await definition.create(options, platform);
  const wrong = wrongWith(made as Partial<DeviceModel> | null | undefined);
  if (wrong === undefined) return made as DeviceModel;
  throw new UsageError(`device ${displayUrl(type)}: expected create() to return a model, ${wrong}`);
}

const HANDLERS = ["configWritten", "started", "reset", "close", "describe"] as const;

function wrongWith(model: Partial<DeviceModel> | null | undefined): string | undefined {
  if (typeof model !== "object" || model === null) return `got ${shown(model)}`;
  const { features, queues, config } = model;
  if (!Number.isInteger(features)) return `with features as a number of 32 bits, got ${shown(features)}`;
  if (!Array.isArray(queues)) return `with a list of queues, got ${shown(queues)}`;
  for (const [index, queue] of queues.entries()) {
    if (typeof queue?.name !== "string") return `each of its queues with a name; queue ${index} has none`;
    if (queue.size !== undefined && queue.size !== 0 && !isQueueSize(queue.size))
      return `its queues' sizes powers of two up to 32768; that of ${queue.name} is ${shown(queue.size)}`;
  }
  if (typeof model.queueNotified !== "function")
    return `with a function queueNotified, got ${shown(model.queueNotified)}`;
  if (config !== undefined && !(config instanceof Uint8Array))
    return `with config as a Uint8Array, got ${shown(config)}`;
  const odd = HANDLERS.find((name) => model[name] !== undefined && typeof model[name] !== "function");
  return odd && `with ${odd} as a function, got ${shown(model[odd])}`;
}

const shown = (value: unknown): string =>
  typeof value === "object" && value !== null
    ? "an object"
    : typeof value === "function"
      ? "a function"
      : String(value);
