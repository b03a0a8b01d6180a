/** Of a terminal that does not say. */
const COLUMNS = 80;

/** One line on a terminal, written over and over; silence in a pipe. */
export class TerminalLine {
  readonly #enabled: boolean;

  constructor(wanted = true) {
    this.#enabled = wanted && process.stderr.isTTY === true;
  }

  /** No wider than the terminal: a line that wraps could not be written over. */
  show(text: string): void {
    if (this.#enabled)
      process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns || COLUMNS) - 1)}`);
  }

  clear(): void {
    if (this.#enabled) process.stderr.write("\r\x1b[K");
  }
}
