/** Recognises a loop that waits for somebody: it reads the same value from the same place again and again. */

/** So often in a row is a loop. */
const REPEATS_MAX = 3;

export class Repeats {
  #place = -1;
  #value = -1;
  #count = 0;

  /** About to read from `place`: whether that would be once too often. */
  tooMany(place: number): boolean {
    return this.#count >= REPEATS_MAX && place === this.#place;
  }

  read(place: number, value: number): void {
    if (place === this.#place && value === this.#value) {
      this.#count++;
      return;
    }
    this.#place = place;
    this.#value = value;
    this.#count = 0;
  }

  /** Something else was done. */
  forget(): void {
    this.#place = -1;
  }

  /** Others have moved: the same again is no repetition. */
  restart(): void {
    this.#count = 0;
  }
}
