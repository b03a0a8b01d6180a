/**
 * Which rules to ask: by moment, by the device's type, and of accesses to memory by side and place. Most accesses are
 * nobody's business, and it should cost next to nothing to find that out.
 */
import { type MomentName, RING_FIELDS, type RingField, type Rule, type Scope, type Side } from "./moments.ts";

type AnyRule = { [Name in MomentName]: Rule<Name> }[MomentName];
type Page = { [Name in MomentName]?: readonly (readonly Rule<Name>[])[] };

/** Virtio ids are below; 0 stands for every type that no rule knows. */
const TYPES_MAX = 64;
const NONE: readonly never[] = [];

/** The part of `store` and `look` that an access is. */
export const ringPart = (side: Side, field: RingField): number =>
  (side === "driver" ? 0 : RING_FIELDS.length) + RING_FIELDS.indexOf(field);
/** The part of `bytes` that an access is. */
export const bytesPart = (side: Side, write: boolean): number =>
  (side === "driver" ? 0 : 2) + (write ? 1 : 0);

const SIDES: readonly Side[] = ["driver", "device"];

/** Each part of a moment, as a scope would name it. */
function partsOf(name: MomentName): readonly Scope[] {
  if (name === "bytes") return SIDES.flatMap((side) => [false, true].map((write) => ({ side, write })));
  if (name !== "store" && name !== "look") return [{}];
  return SIDES.flatMap((side) => RING_FIELDS.map((field) => ({ side, fields: [field] })));
}

const within = (scope: Scope, part: Scope): boolean =>
  (scope.side === undefined || scope.side === part.side) &&
  (scope.write === undefined || scope.write === part.write) &&
  (scope.fields === undefined || scope.fields.some((field) => part.fields?.includes(field)));

export class RuleBook {
  readonly #rules: readonly AnyRule[];
  readonly #pages: (Page | undefined)[] = new Array(TYPES_MAX).fill(undefined);

  constructor(rules: readonly AnyRule[]) {
    this.#rules = rules;
  }

  rules<Name extends MomentName>(name: Name, type: number, part: number): readonly Rule<Name>[] {
    const at = type < TYPES_MAX ? type : 0;
    this.#pages[at] ??= this.#page(at);
    const page = this.#pages[at] as Page;
    return (page[name]?.[part] ?? NONE) as readonly Rule<Name>[];
  }

  #page(type: number): Page {
    const mine = this.#rules.filter(({ scope }) => scope.type === undefined || scope.type === type);
    const names = new Set(mine.map(({ on }) => on));
    return Object.fromEntries(
      [...names].map((name) => [
        name,
        partsOf(name).map((part) => mine.filter(({ on, scope }) => on === name && within(scope, part))),
      ]),
    );
  }
}
