/** A value wider than one access is read once. */
import { defineDefect } from "../defect.ts";
import { ConfigReader } from "../machine/config-reader.ts";

class ReadsOnce extends ConfigReader {
  override read(): string {
    return this.readOnce();
  }
}

export default defineDefect({
  id: "R53",
  name: "driver reads a wide configuration value once",
  seen: "rcore f4ead6f (2024), manticore issue 41 (2020), virtio-win PR 200 (2017)",
  needs: "interleaving",
  scenarios: ["resize"],
  replacements: [{ base: ConfigReader, by: ReadsOnce }],
});
