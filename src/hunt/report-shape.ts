/** The shape of a document that somebody else may have written: the first place where it is another is said. */

/** What is wrong with the value at a place of the document, as "place: expected …, got …". */
export type Shape = (value: unknown, place?: string) => string | undefined;

const SHOWN_MAX = 60;

const is =
  (expected: string, holds: (value: unknown) => boolean): Shape =>
  (value, place = "") => {
    if (holds(value)) return undefined;
    const got = value === undefined ? "nothing" : JSON.stringify(value).slice(0, SHOWN_MAX);
    return `${place === "" ? "" : `${place}: `}expected ${expected}, got ${got}`;
  };

const isObject = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const text = is("a string", (value) => typeof value === "string");
export const flag = is("true or false", (value) => typeof value === "boolean");
export const amount = is("a number from 0 on", (value) => typeof value === "number" && value >= 0);
export const anyObject = is("an object", isObject);
export const anyList = is("a list", Array.isArray);

export const whole = (most = Number.MAX_SAFE_INTEGER): Shape =>
  is(
    `a whole number from 0 ${most < Number.MAX_SAFE_INTEGER ? `to ${most}` : "on"}`,
    (value) => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most,
  );

export const wordThat = (expected: string, holds: (word: string) => boolean): Shape =>
  is(expected, (value) => typeof value === "string" && holds(value));

export const orNull =
  (shape: Shape): Shape =>
  (value, place = "") =>
    value === null
      ? undefined
      : // Not of what lies within it.
        shape(value, place)?.replace(`${place}: expected `, `${place}: expected null or `);

export const listOf =
  (shape: Shape): Shape =>
  (value, place = "") =>
    anyList(value, place) ?? firstOf((value as unknown[]).map((each, at) => shape(each, `${place}[${at}]`)));

/** Other keys may be there, too. */
export const objectWith =
  (shapes: Readonly<Record<string, Shape>>): Shape =>
  (value, place = "") =>
    anyObject(value, place) ??
    firstOf(
      Object.entries(shapes).map(([key, shape]) =>
        shape((value as Record<string, unknown>)[key], place === "" ? key : `${place}.${key}`),
      ),
    );

const firstOf = (complaints: readonly (string | undefined)[]): string | undefined =>
  complaints.find((each) => each !== undefined);
