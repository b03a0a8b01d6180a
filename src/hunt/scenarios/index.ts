/** All scenarios that virtlab brings. */
import type { Scenario } from "../scenario.ts";
import { cpuScenarios } from "./cpus.ts";
import { interruptScenarios } from "./interrupts.ts";
import { ioThreadScenarios } from "./io-threads.ts";
import { kickScenarios } from "./kicks.ts";
import { lifeCycleScenarios } from "./life-cycle.ts";
import { requestScenarios } from "./requests.ts";

export const SCENARIOS: readonly Scenario[] = [
  ...requestScenarios,
  ...kickScenarios,
  ...interruptScenarios,
  ...lifeCycleScenarios,
  ...cpuScenarios,
  ...ioThreadScenarios,
];
