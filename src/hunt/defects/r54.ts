/** A configuration change that comes while the driver is not ready is dropped, without a note. */
import { defineDefect } from "../defect.ts";
import { ConfigWatch } from "../machine/config-reader.ts";

class IgnoresWhileBusy extends ConfigWatch {
  override changed(): void {
    if (!this.reading) super.changed();
  }
}

export default defineDefect({
  id: "R54",
  name: "configuration change while the driver is not ready is lost",
  seen: "Linux 22b7050a024d (2014)",
  needs: "interleaving",
  scenarios: ["resize"],
  replacements: [{ base: ConfigWatch, by: IgnoresWhileBusy }],
});
