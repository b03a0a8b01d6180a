/** Which module called into this room: threads must load it too. */

const OWN = /\/(?:src|dist)\/(?:src\/)?hunt\/(?:proof|races|litmus)\/[^/]+\.[tj]s$/;

/** The file of the nearest caller outside; undefined where it has none (a prompt, a string). */
export function callerFile(): string | undefined {
  for (const place of placesOf(new Error().stack ?? "")) if (!OWN.test(place.file)) return place.file;
  return undefined;
}

export interface Place {
  readonly file: string;
  readonly line: number;
}

/** The files and lines of a stack, most direct first; without those of the engine. */
export function placesOf(stack: string): Place[] {
  return stack.split("\n").flatMap((line) => {
    const parts = /(?:\(|at (?:async )?)(?:file:\/\/)?(\/[^()]*?)(?:\?[^():]*)?:(\d+):\d+\)?$/.exec(
      line.trim(),
    );
    return parts === null ? [] : [{ file: decodeURI(parts[1] ?? ""), line: Number(parts[2]) }];
  });
}
