/** A file of rounds that are worth running first: one JSON object in each line, so that it can be read and merged. */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { UsageError } from "../host/device.ts";

interface Entry {
  readonly attack: string;
  readonly device: string;
  /** The round's seed. */
  readonly round: number;
  readonly why: string;
}

export class Corpus {
  readonly #file: string;
  readonly #entries: Entry[];

  constructor(file: string) {
    this.#file = file;
    try {
      // Whether it can be written is said before the attack.
      appendFileSync(file, "");
      const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
      this.#entries = lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Entry);
    } catch (error) {
      throw new UsageError(`--corpus ${file}: cannot be used: ${(error as Error).message}`);
    }
  }

  rounds(attack: string, device: string): number[] {
    return this.#entries
      .filter((entry) => entry.attack === attack && entry.device === device)
      .map(({ round }) => round);
  }

  add(entry: Entry): void {
    const known = ({ attack, device, round }: Entry) =>
      attack === entry.attack && device === entry.device && round === entry.round;
    if (this.#entries.some(known)) return;
    this.#entries.push(entry);
    appendFileSync(this.#file, `${JSON.stringify(entry)}\n`);
  }
}
