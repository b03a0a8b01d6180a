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

function entryOf(line: string, number: number): Entry {
  const entry = JSON.parse(line) as Partial<Entry> | null;
  if (
    typeof entry?.attack !== "string" ||
    typeof entry.device !== "string" ||
    !Number.isSafeInteger(entry.round)
  )
    throw new Error(`line ${number}: expected { "attack", "device", "round" }, got ${line.slice(0, 60)}`);
  return entry as Entry;
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
      this.#entries = lines.flatMap((line, at) => (line === "" ? [] : [entryOf(line, at + 1)]));
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
