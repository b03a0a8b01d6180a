/** The driver loses patience and takes its requests back without resetting the device. */
import { defineDefect } from "../defect.ts";
import { StampDriver } from "../machine/stamp-driver.ts";

class TakesBack extends StampDriver {
  override giveUp(): void {
    this.cancelAll();
  }
}

export default defineDefect({
  id: "R60",
  name: "driver completes requests that the device still owns",
  seen: "viostor c09af908, PR 1493 (2026), PR 1370, issue 907",
  needs: "interleaving",
  scenarios: ["give-up"],
  replacements: [{ base: StampDriver, by: TakesBack }],
});
