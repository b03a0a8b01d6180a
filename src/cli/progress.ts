/** Progress on a terminal; silence in a pipe. */
import { Presets, SingleBar } from "cli-progress";

export class Progress {
  #bar: SingleBar | undefined;
  #label = "";
  readonly #atExit = () => this.#bar?.stop();

  constructor(enabled: boolean) {
    if (!enabled || !process.stderr.isTTY) return;
    this.#bar = new SingleBar(
      {
        format: "{label} {bar} {percentage}%",
        stream: process.stderr,
        hideCursor: true,
        clearOnComplete: true,
      },
      Presets.shades_classic,
    );
    // Ctrl-C as well: a terminal would be left without its cursor.
    process.once("exit", this.#atExit);
  }

  update(label: string, done: number, total: number): void {
    if (this.#bar === undefined) return;
    if (label !== this.#label) this.#bar.start(total, 0, { label });
    this.#label = label;
    this.#bar.update(Math.min(done, total), { label });
  }

  stop(): void {
    process.off("exit", this.#atExit);
    this.#bar?.stop();
  }
}
