/** One normative statement that applies to the legacy interface with split rings, in our own words. */

export type Strength = "MUST" | "SHOULD" | "IMPLIED";

export interface Statement {
  /** "SPLIT-DRV-14": subject, who is bound by it, number. */
  readonly id: string;
  readonly side: "driver" | "device" | "both";
  /** IMPLIED: the text describes it without a MUST. */
  readonly strength: Strength;
  /** Of virtio 1.4, or "0.9.5". */
  readonly section: string;
  readonly text: string;
  /** Why no check can be made, where none is. */
  readonly unchecked?: string;
}

/** Nothing on the bus or in the rings shows it. */
export const REACTION =
  "shows only in the reaction to something wrong or unusual that is fed on purpose: a test's work";
export const INSIDE =
  "happens behind the device, where neither bus nor rings show it: the device's own tests do";
export const MODERN = "is about telling modern from legacy; there is no modern interface here";

const SIDES = { DRV: "driver", DEV: "device", BOTH: "both" } as const;

export function statement(
  id: string,
  strength: Strength,
  section: string,
  text: string,
  unchecked?: string,
): Statement {
  const side = SIDES[(id.split("-")[1] ?? "BOTH") as keyof typeof SIDES];
  return { id, side, strength, section, text, ...(unchecked !== undefined && { unchecked }) };
}
