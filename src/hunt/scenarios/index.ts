/** All scenarios that virtlab brings. */
import type { Scenario } from "../scenario.ts";
import { requestScenarios } from "./requests.ts";

export const SCENARIOS: readonly Scenario[] = [...requestScenarios];
