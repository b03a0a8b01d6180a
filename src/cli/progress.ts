/** Progress on a terminal; silence in a pipe. */
import { Presets, SingleBar } from "cli-progress";

export class Progress {
  #bar: SingleBar | undefined;
  #label = "";

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
  }

  update(label: string, done: number, total: number): void {
    if (this.#bar === undefined) return;
    if (label !== this.#label) this.#bar.start(total, 0, { label });
    this.#label = label;
    this.#bar.update(Math.min(done, total), { label });
  }

  stop(): void {
    this.#bar?.stop();
  }
}
