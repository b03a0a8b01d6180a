/** Resuming does not ask for kicks again, nor look at what came meanwhile. */
import { defineDefect } from "../defect.ts";
import { PausableDevice } from "../machine/choosy-devices.ts";

class ResumesAsItWas extends PausableDevice {
  protected override catchUp(): void {}
}

export default defineDefect({
  id: "R36",
  name: "notifications left off after a pause",
  seen: "QEMU 699d16a469 (2024)",
  needs: "interleaving",
  scenarios: ["pause"],
  replacements: [{ base: PausableDevice, by: ResumesAsItWas }],
});
