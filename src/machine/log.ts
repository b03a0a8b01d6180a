/** The last lines that a side had to say, kept for reports. */

const MAX_LINES = 200;

export class Log {
  readonly lines: string[] = [];

  add(line: string): void {
    this.lines.push(line);
    if (this.lines.length > MAX_LINES) this.lines.shift();
  }
}
