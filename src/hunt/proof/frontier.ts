/**
 * The tree of a systematic search that several hunters explore at once. A piece of work is the subtree below one branch
 * of one place; whoever has it explores it as if it were alone. Only two things pass between the pieces:
 *
 *   - a race that reverses a step above the piece is wanted at a place that is not the piece's own: it comes back here
 *   - where workers are idle, a piece is split: the places of its path become everybody's, and each of their branches
 *     a piece
 *
 * The branches of a place are given out one after the other, and whoever takes one may sleep on those that were taken
 * before it, finished or not: each class of interleavings is still explored once and by one worker only.
 */
import { countBits, lowest } from "../state.ts";
import { branchesLeft, type Place, type Searched, type Subtree } from "./search.ts";

/** A place of the path of a piece that was split. */
interface SharedPlace {
  readonly parent: SharedPlace | undefined;
  /** The parent's branch that leads here. */
  readonly by: number;
  readonly depth: number;
  readonly enabled: number;
  backtrack: number;
  done: number;
  readonly sleep: number;
  readonly draw: boolean;
  /** What is known of each branch that was given out. */
  readonly branches: Map<number, Branch>;
}

/** How much of a branch is behind, 0 to 1; or the place that it leads to, where it was split. */
type Branch = number | SharedPlace;

/** The subtree below one branch of a place; without a place, the whole tree. */
export interface Piece {
  readonly place: SharedPlace | undefined;
  readonly branch: number;
  /** The branches of the place that were given out by then, this one among them. */
  readonly done: number;
  /** What is left of it. */
  rest: readonly Place[];
}

const shareOf = (branch: Branch): number => {
  if (typeof branch === "number") return branch;
  let share = 0;
  for (const each of branch.branches.values()) share += shareOf(each);
  return share / Math.max(1, countBits(branch.backtrack));
};

export class Frontier {
  #root: Branch = 0;
  /** Begun, and in nobody's hands now. */
  readonly #paused: Piece[] = [{ place: undefined, branch: 0, done: 0, rest: [] }];
  /** Places with branches to give out. */
  readonly #open = new Set<SharedPlace>();
  #taken = 0;

  /** Nothing is left, and nobody has anything in hand. */
  get exhausted(): boolean {
    return this.#taken === 0 && this.#paused.length === 0 && this.#open.size === 0;
  }

  /** How much of the tree, as known now, is behind. */
  get share(): number {
    return this.exhausted ? 1 : shareOf(this.#root);
  }

  take(): Piece | undefined {
    const piece = this.#paused.pop() ?? this.#branch();
    if (piece !== undefined) this.#taken++;
    return piece;
  }

  /** The way to a piece, and what is left of it. */
  subtree({ place, branch, done, rest }: Piece): Subtree {
    const frozen: Place[] = [];
    let chosen = branch;
    for (let at = place; at !== undefined; at = at.parent) {
      const { enabled, backtrack, sleep, draw } = at;
      frozen.push({ enabled, backtrack, done: at === place ? done : at.done, chosen, sleep, draw });
      chosen = at.by;
    }
    return { frozen: frozen.length, path: [...frozen.reverse(), ...rest] };
  }

  /** A piece comes back from a batch of executions. `idle`: others have nothing to do. */
  giveBack(piece: Piece, { rest, wanted }: Searched, share: number, idle: boolean): void {
    this.#taken--;
    for (const { at, among } of wanted) {
      let place = piece.place;
      while (place !== undefined && place.depth > at) place = place.parent;
      if (place === undefined || (place.backtrack & among) !== 0) continue;
      place.backtrack |= 1 << lowest(among);
      this.#offer(place);
    }
    piece.rest = rest;
    this.#know(piece, rest.length === 0 ? 1 : share);
    if (rest.length === 0) return;
    if (idle) this.#split(piece);
    else this.#paused.push(piece);
  }

  #know({ place, branch }: Piece, known: Branch): void {
    if (place === undefined) this.#root = known;
    else place.branches.set(branch, known);
  }

  /** Near the root the pieces are large. */
  #branch(): Piece | undefined {
    let place: SharedPlace | undefined;
    for (const each of this.#open) if (place === undefined || each.depth < place.depth) place = each;
    if (place === undefined) return undefined;
    const branch = lowest(branchesLeft(place));
    place.done |= 1 << branch;
    this.#offer(place);
    return { place, branch, done: place.done, rest: [] };
  }

  #offer(place: SharedPlace): void {
    if (branchesLeft(place) === 0) this.#open.delete(place);
    else this.#open.add(place);
  }

  #split(piece: Piece): void {
    let parent = piece.place;
    let by = piece.branch;
    for (const [at, { enabled, backtrack, done, chosen, sleep, draw }] of piece.rest.entries()) {
      // The last one's branch was chosen, and nobody has begun with it.
      const begun = at < piece.rest.length - 1;
      const place: SharedPlace = {
        ...{ parent, by, depth: (parent?.depth ?? -1) + 1, enabled, backtrack, sleep, draw },
        done: begun ? done : done & ~(1 << chosen),
        branches: new Map(),
      };
      for (let rest = place.done; rest !== 0; rest &= rest - 1) place.branches.set(lowest(rest), 1);
      if (parent === undefined) this.#root = place;
      else parent.branches.set(by, place);
      this.#offer(place);
      parent = place;
      by = chosen;
    }
  }
}
