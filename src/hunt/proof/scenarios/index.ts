/** Scenarios that are small enough for `virtlab prove`. */
import type { Scenario } from "../../scenario.ts";
import { busScenarios } from "./bus.ts";
import { callScenarios } from "./calls.ts";
import { resetScenarios } from "./reset.ts";
import { ringScenarios } from "./ring.ts";

export const PROVABLE: readonly Scenario[] = [
  ...ringScenarios,
  ...busScenarios,
  ...callScenarios,
  ...resetScenarios,
];
