/** Finding scenarios and defects by name, or in a module of the user's. */
import { UsageError } from "../host/device.ts";
import { nearestName } from "../machine/nearest-name.ts";
import { importModule, moduleUrl } from "../machine/thread.ts";
import type { Defect } from "./defect.ts";
import { DEFECTS } from "./defects/index.ts";
import { LITMUS_SCENARIOS } from "./litmus/lectures.ts";
import { PROVABLE } from "./proof/scenarios/index.ts";
import type { Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/index.ts";

export function findDefect(id: string): Defect {
  const found = DEFECTS.find((defect) => defect.id.toLowerCase() === id.toLowerCase());
  if (found !== undefined) return found;
  const ids = DEFECTS.map((defect) => defect.id);
  throw new UsageError(`unknown defect "${id}"${nearestName(id, ids)}; virtlab list defects shows them`);
}

/** Of a user's or ours, one that can be planted. */
export function findPlanted(id: string, own: readonly Defect[] = []): Defect {
  const defect = own.find((each) => each.id === id) ?? findDefect(id);
  if (defect.replacements.length === 0) throw new UsageError(`${defect.id}: ${defect.note ?? "not planted"}`);
  return defect;
}

export function findScenario(name: string, own: readonly Scenario[] = []): Scenario {
  const all = [...own, ...SCENARIOS, ...PROVABLE, ...LITMUS_SCENARIOS];
  const found = all.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  const names = all.map((scenario) => scenario.name);
  throw new UsageError(
    `unknown scenario "${name}"${nearestName(name, names)}; virtlab list scenarios and virtlab prove --help show them`,
  );
}

/** What a module of the user's exports: defects, scenarios, or both. */
export interface HuntModule {
  readonly defects: readonly Defect[];
  readonly scenarios: readonly Scenario[];
}

/** A module's exports that look like a defect or a scenario, whatever their names. */
export async function loadHuntModule(path: string): Promise<HuntModule> {
  let module: Record<string, unknown>;
  try {
    module = await importModule(moduleUrl(path));
  } catch (error) {
    throw new UsageError(`${path} cannot be loaded: ${(error as Error).message}`);
  }
  const exported = Object.values(module).filter((value) => typeof value === "object" && value !== null);
  const defects = exported.filter((value) => "replacements" in (value as object)) as Defect[];
  const scenarios = exported.filter((value) => "threads" in (value as object)) as Scenario[];
  if (defects.length + scenarios.length === 0) {
    throw new UsageError(`${path} exports neither a defect (defineDefect) nor a scenario (defineScenario)`);
  }
  return { defects, scenarios };
}
