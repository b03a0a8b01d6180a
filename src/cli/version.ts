/** The package's version, from wherever this file runs: the sources or the build. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export function version(): string {
  for (const up of ["../../package.json", "../../../package.json"]) {
    try {
      const found = JSON.parse(readFileSync(fileURLToPath(new URL(up, import.meta.url)), "utf8"));
      if (found.name === "virtlab") return found.version;
    } catch {
      // Not there: one folder further up.
    }
  }
  return "unknown";
}
