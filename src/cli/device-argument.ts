/** `--device NAME[,key=value…]`: QEMU's words for a device and its options. */

import { UsageError } from "../host/device.ts";
import type { DeviceDescription } from "../machine/description.ts";
import { wholeNumber } from "./numbers.ts";

/** Keys that belong to the slot and the queues rather than to the device model. */
const PLACE = { slot: "slot", vectors: "vectors", "queue-size": "queueSize" } as const;

export function parseDevice(text: string): DeviceDescription {
  const [type = "", ...pairs] = text.split(",");
  if (type === "") throw new UsageError(`--device: expected NAME[,key=value…], got "${text}"`);
  const place: Record<string, number> = {};
  const options: Record<string, string | boolean> = {};
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    const key = at < 0 ? pair : pair.slice(0, at);
    const value = at < 0 ? true : pair.slice(at + 1);
    if (Object.hasOwn(PLACE, key))
      place[PLACE[key as keyof typeof PLACE]] = wholeNumber(`--device ${type}, ${key}`, value);
    else options[key] = value;
  }
  return { type, ...place, options };
}

export function onOff(name: string, value: string): boolean {
  if (value === "on") return true;
  if (value === "off") return false;
  throw new UsageError(`${name}: expected on or off, got "${value}"`);
}
