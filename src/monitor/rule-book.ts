/**
 * Which rules to ask: by moment, by the device's type, and of accesses to memory by side and place. Most accesses are
 * nobody's business, and it should cost next to nothing to find that out.
 */
import { type MomentName, RING_FIELDS, type RingField, type Rule, type Side } from "./moments.ts";

type AnyRule = { [Name in MomentName]: Rule<Name> }[MomentName];

/** A moment, or a part of one: the number of a list on a page. */
export type Part<Name extends MomentName> = number & { readonly moment?: Name };
/** The rules for one type of device. */
export type Page = readonly (readonly AnyRule[])[];

interface Place {
  readonly name: MomentName;
  readonly side?: Side;
  readonly field?: RingField;
  readonly write?: boolean;
}

const SIDES: readonly Side[] = ["driver", "device"];
const WHOLE = [
  "write",
  "read",
  "odd",
  "config",
  "pci",
  "met",
  "started",
  "publish",
  "malformed",
  "available",
  "publishUsed",
  "used",
  "stray",
  "kick",
  "isr",
  "line",
  "message",
  "driverIdle",
  "deviceIdle",
] as const satisfies readonly MomentName[];

const PLACES: readonly Place[] = [
  ...WHOLE.map((name) => ({ name })),
  ...(["store", "look"] as const).flatMap((name) =>
    SIDES.flatMap((side) => RING_FIELDS.map((field) => ({ name, side, field }))),
  ),
  ...SIDES.flatMap((side) => [false, true].map((write) => ({ name: "bytes" as const, side, write }))),
];

const partOf = (name: MomentName): number => PLACES.findIndex((place) => place.name === name);
const inRing = (first: number, side: Side, field: RingField): number =>
  first + (side === "driver" ? 0 : RING_FIELDS.length) + RING_FIELDS.indexOf(field);
const [STORE, LOOK, BYTES] = [partOf("store"), partOf("look"), partOf("bytes")];

/** Moments that have no parts. */
export const PART = Object.fromEntries(WHOLE.map((name) => [name, partOf(name)])) as {
  readonly [Name in (typeof WHOLE)[number]]: Part<Name>;
};
export const storePart = (side: Side, field: RingField): Part<"store"> => inRing(STORE, side, field);
export const lookPart = (side: Side, field: RingField): Part<"look"> => inRing(LOOK, side, field);
export const bytesPart = (side: Side, write: boolean): Part<"bytes"> =>
  BYTES + (side === "driver" ? 0 : 2) + (write ? 1 : 0);

function concerns({ on, scope }: AnyRule, { name, side, field, write }: Place): boolean {
  return (
    on === name &&
    (scope.side === undefined || scope.side === side) &&
    (scope.write === undefined || scope.write === write) &&
    (scope.fields === undefined || (field !== undefined && scope.fields.includes(field)))
  );
}

export const NO_RULES: Page = PLACES.map(() => []);

export class RuleBook {
  readonly #rules: readonly AnyRule[];
  readonly #pages = new Map<number, Page>();
  readonly #types: ReadonlySet<number | undefined>;

  constructor(rules: readonly AnyRule[]) {
    this.#rules = rules;
    this.#types = new Set(rules.map(({ scope }) => scope.type));
  }

  page(virtioId: number): Page {
    // One page for every type that has no rules of its own.
    const type = this.#types.has(virtioId) ? virtioId : -1;
    const known = this.#pages.get(type);
    if (known !== undefined) return known;
    const mine = this.#rules.filter(({ scope }) => scope.type === undefined || scope.type === type);
    const page = PLACES.map((place) => mine.filter((rule) => concerns(rule, place)));
    this.#pages.set(type, page);
    return page;
  }
}
