/**
 * A planted defect: a known bug, put into the production classes of the hunting threads by replacing methods. A
 * replacement is a subclass; its own methods take the place of the base's, and `super` still reaches the originals.
 * Its constructor is never run: it has no fields of its own.
 */
import type { OracleName } from "./scenario.ts";

/** What must be explored to see it. */
export type Needs = "interleaving" | "weak-memory" | "packed-ring";

// biome-ignore lint/suspicious/noExplicitAny: a class of whatever constructor; only its prototype is used.
type AnyClass = abstract new (...args: any[]) => object;

export interface Replacement {
  readonly base: AnyClass;
  readonly by: AnyClass;
}

export interface Defect {
  /** As in the catalogue, "R33"; a second way to plant the same bug has a letter, "R33b". */
  readonly id: string;
  readonly name: string;
  /** Where it was a bug. */
  readonly seen: string;
  readonly needs: Needs;
  /** Scenarios that should show it, likeliest first; empty while nothing can. */
  readonly scenarios: readonly string[];
  readonly replacements: readonly Replacement[];
  /** Oracles expected to see it, for documentation. */
  readonly oracles?: readonly OracleName[];
  /** Why it cannot be planted yet, or in which form it was. */
  readonly note?: string;
}

export function defineDefect(defect: Defect): Defect {
  return defect;
}

/** Puts the replacements in place and returns how to take them out. */
export function plant({ replacements }: Pick<Defect, "replacements">): () => void {
  const undo = replacements.map(({ base, by }) => replaceMethods(base, by));
  return () => {
    for (const each of undo.reverse()) each();
  };
}

function replaceMethods(base: AnyClass, by: AnyClass): () => void {
  const target = base.prototype as object;
  const originals = Object.getOwnPropertyDescriptors(target) as PropertyDescriptorMap;
  const own = Object.getOwnPropertyDescriptors(by.prototype) as PropertyDescriptorMap;
  // `super` looks in the prototype of the replacement's own prototype: there the originals must still be.
  Object.setPrototypeOf(
    by.prototype,
    Object.create(Object.getPrototypeOf(target) as object, originals) as object,
  );
  for (const [name, descriptor] of Object.entries(own)) {
    if (name !== "constructor") Object.defineProperty(target, name, descriptor);
  }
  return () => {
    for (const name of Object.keys(own)) {
      const original = originals[name];
      if (name === "constructor") continue;
      if (original === undefined) Reflect.deleteProperty(target, name);
      else Object.defineProperty(target, name, original);
    }
    Object.setPrototypeOf(by.prototype, target);
  };
}
