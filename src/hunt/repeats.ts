/** Recognises a loop that waits for somebody: it reads the same values from the same places again and again. */

/** So often again is a loop. */
const REPEATS_MAX = 3;
/** Reads of one turn, at most. */
const LONGEST = 6;
const KEPT = 8;

export class Repeats {
  /** The last reads: where, and what was there. */
  readonly #places = new Float64Array(KEPT);
  readonly #values = new Float64Array(KEPT);
  /** By length of a turn: how many reads in a row were as the one a turn ago. */
  readonly #counts = new Int32Array(LONGEST + 1);
  #reads = 0;
  /** Reads in a turn of the loop that was recognised last. */
  turn = 1;

  /** About to read from `place`: whether that would be once too often. */
  tooMany(place: number): boolean {
    for (let turn = 1; turn <= LONGEST; turn++) {
      if ((this.#counts[turn] as number) < REPEATS_MAX * turn) continue;
      if (this.#places[(this.#reads - turn) & (KEPT - 1)] !== place) continue;
      this.turn = turn;
      return true;
    }
    return false;
  }

  read(place: number, value: number): void {
    const reads = this.#reads;
    for (let turn = 1; turn <= LONGEST; turn++) {
      const before = (reads - turn) & (KEPT - 1);
      const again = turn <= reads && this.#places[before] === place && this.#values[before] === value;
      this.#counts[turn] = again ? (this.#counts[turn] as number) + 1 : 0;
    }
    this.#places[reads & (KEPT - 1)] = place;
    this.#values[reads & (KEPT - 1)] = value;
    this.#reads = reads + 1;
  }

  /** Something else was done. */
  forget(): void {
    this.#reads = 0;
    this.#counts.fill(0);
  }

  /** Others have moved: the same again is no repetition. */
  restart(): void {
    this.#counts.fill(0);
  }
}
