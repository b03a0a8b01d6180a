/** What the workers of an episode's machine do before they build it: plant a defect or a fault, wind the rings on. */
import { plant } from "../../hunt/defect.ts";
import { findDefect } from "../../hunt/load.ts";
import type { PreparedSide } from "../../machine/prepare.ts";
import { plantFault } from "../faults/faults.ts";
import { windOn } from "./ring-start.ts";
import { torment, type Victim } from "./victim.ts";

export interface Plants {
  /** The hunter's, by its id. */
  readonly defect?: string;
  readonly fault?: string;
  /** Ring indices start there, as after so many requests. */
  readonly ringStart?: number;
  /** A host thread is kept from running; what the guest does to itself is its program's. */
  readonly victim?: Victim;
}

export default function prepare(side: PreparedSide, args: unknown): void {
  const { defect, fault, ringStart, victim } = args as Plants;
  if (defect !== undefined) plant(findDefect(defect));
  if (fault !== undefined) plantFault(fault);
  if (ringStart !== undefined) windOn(ringStart);
  if (victim?.side === side) torment(victim);
}
