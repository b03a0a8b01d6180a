/** Where a virtual CPU's interrupts come from: our own controller, or a foreign machine's. */

export interface InterruptSource {
  /** A cheap look: may anything be there? */
  pending(): boolean;
  /** Takes what is there: `vector` for each message, `line` for each INTx line that should be looked at. */
  take(vector: (vector: number) => void, line: (line: number) => void): void;
  /** The level of an INTx line, 0-3. */
  asserted(line: number): boolean;
}
