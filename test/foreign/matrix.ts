/** Everything that a pairing is tried with. The full matrix takes minutes: by default a part that has each value. */
import { CHIPSETS, type ChipsetName } from "../../src/foreign/qemu/chipset.ts";
import type { RigOptions } from "./rig.ts";

export const FULL = process.env.VIRTLAB_FOREIGN === "full";

export type RingCase = Pick<RigOptions, "tier" | "indirect" | "eventIndex">;
export interface QemuCase extends RingCase {
  readonly chipset: ChipsetName;
}

const TIERS = ["msix", "msix-shared", "intx"] as const;
const ON_OFF = [true, false] as const;

export const RING_CASES: readonly RingCase[] = TIERS.flatMap((tier) =>
  ON_OFF.flatMap((indirect) => ON_OFF.map((eventIndex) => ({ tier, indirect, eventIndex }))),
);

const EVERYTHING: readonly QemuCase[] = CHIPSETS.flatMap((chipset) =>
  RING_CASES.map((ring) => ({ chipset, ...ring })),
);

/** Each pair of values of any two axes occurs. */
const PAIRS: readonly QemuCase[] = [
  { chipset: "pc", tier: "msix", indirect: true, eventIndex: true },
  { chipset: "q35", tier: "msix", indirect: false, eventIndex: false },
  { chipset: "q35", tier: "msix-shared", indirect: true, eventIndex: false },
  { chipset: "pc", tier: "msix-shared", indirect: false, eventIndex: true },
  { chipset: "pc", tier: "intx", indirect: true, eventIndex: false },
  { chipset: "q35", tier: "intx", indirect: false, eventIndex: true },
];

export const QEMU_CASES = FULL ? EVERYTHING : PAIRS;

const onOff = (on: boolean): string => (on ? "on" : "off");
export const caseName = ({ tier, indirect, eventIndex, ...rest }: RingCase & { chipset?: string }): string =>
  `${rest.chipset === undefined ? "" : `${rest.chipset}, `}${tier}, indirect ${onOff(indirect)}, event index ${onOff(eventIndex)}`;
