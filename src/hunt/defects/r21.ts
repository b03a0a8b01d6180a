/** A test of one feature bit clears the others. */

import type { DeviceQueue } from "../../host/index.ts";
import type { ActivateOptions } from "../../host/queue-config.ts";
import { QueueConfig } from "../../host/queue-config.ts";
import { FEATURE } from "../../wire/features.ts";
import { defineDefect } from "../defect.ts";

class DestructiveTest extends QueueConfig {
  override activate(pfn: number, options: ActivateOptions): DeviceQueue | undefined {
    return super.activate(pfn, { ...options, features: options.features & (1 << FEATURE.INDIRECT_DESC) });
  }
}

export default defineDefect({
  id: "R21",
  name: "atomic used destructively while reading",
  seen: "cloud-hypervisor 9f569c7b8 (2026)",
  needs: "interleaving",
  note: "features are not shared between threads here: planted as the loss of all bits but the tested one",
  scenarios: ["event-index", "in-turn"],
  replacements: [{ base: QueueConfig, by: DestructiveTest }],
});
