/**
 * Writes that were under way when the device was reset. They cannot be called back, and must not land on what is
 * written later: until the last of them has ended, new requests wait.
 */
export class Leftovers {
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;
  #draining = false;

  /** A write that the disk does not answer at once; the function that it returns ends it. */
  writing(): () => void {
    this.#underWay++;
    return () => {
      if (--this.#underWay > 0 || !this.#draining) return;
      this.#draining = false;
      for (const work of this.#waiting.splice(0)) work();
    };
  }

  /** Resolves, where there is something to wait for, when the last one has ended. */
  reset(): void | Promise<void> {
    this.#draining = this.#underWay > 0;
    this.#waiting.length = 0;
    if (this.#draining) return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Now, or when everything of the life before the reset has ended. */
  after(work: () => void): void {
    if (this.#draining) this.#waiting.push(work);
    else work();
  }
}
