/** Back-end I/O of one host thread that has begun and that has ended: so that its loop lets completions in. */
export class BackEndWork {
  /** Called when some ends, so that a sleeping loop looks again. */
  onEnded: () => void = () => {};
  ended = 0;
  outstanding = 0;

  /** Returns the function that ends it. */
  started(): () => void {
    this.outstanding++;
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.outstanding--;
      this.ended++;
      this.onEnded();
    };
  }
}
