/** Recognises a loop that waits for somebody: it reads the same values from the same places again and again. */

/** So often again is a loop. */
const REPEATS_MAX = 3;
/** Reads of one turn, at most. */
const LONGEST = 6;
/** A power of two, and room for the longest turn with all its repeats. */
const KEPT = 32;

export class Repeats {
  /** Reads in a turn of the loop that was recognised last. */
  turn = 1;
  /** The last reads: where, and what was there. */
  private readonly places = new Int32Array(KEPT);
  private readonly values = new Int32Array(KEPT);
  private reads = 0;
  /** Reads before this one repeat nothing: others have moved since. */
  private since = 0;

  /** About to read from `place` (32 bits): whether that would be once too often. */
  tooMany(place: number): boolean {
    // Hardly ever are there so many reads in a row.
    if (this.reads <= REPEATS_MAX) return false;
    for (let turn = 1; turn <= LONGEST; turn++) {
      if (!this.repeats(turn, place)) continue;
      this.turn = turn;
      return true;
    }
    return false;
  }

  read(place: number, value: number): void {
    const at = this.reads & (KEPT - 1);
    this.places[at] = place;
    this.values[at] = value;
    this.reads++;
  }

  /** Something else was done. */
  forget(): void {
    this.reads = 0;
    this.since = 0;
  }

  /** Others have moved: the same again is no repetition. */
  restart(): void {
    this.since = this.reads;
  }

  /** Whether `place` is where a turn ago was read, and the turns before were all alike. */
  private repeats(turn: number, place: number): boolean {
    const { reads, places, values } = this;
    if (places[(reads - turn) & (KEPT - 1)] !== place) return false;
    const first = reads - REPEATS_MAX * turn;
    if (first < this.since || first < turn) return false;
    for (let read = first; read < reads; read++) {
      const at = read & (KEPT - 1);
      const before = (read - turn) & (KEPT - 1);
      if (places[at] !== places[before] || values[at] !== values[before]) return false;
    }
    return true;
  }
}
