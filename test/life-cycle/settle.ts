/** How requests in flight ended: every one of them, in one of two ways. */

export interface Endings {
  readonly fulfilled: number;
  readonly cancelled: number;
}

const SETTLE_MS = 5000;

/** Waits for all of them. A request ends once, as a promise cannot do otherwise; one that does not end is an error. */
export async function settle(requests: readonly Promise<unknown>[]): Promise<Endings> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`requests were still out after ${SETTLE_MS} ms`)), SETTLE_MS);
  });
  const results = await Promise.race([Promise.allSettled(requests), late]).finally(() => clearTimeout(timer));
  const endings = { fulfilled: 0, cancelled: 0 };
  for (const result of results) {
    if (result.status === "fulfilled") endings.fulfilled++;
    else if ((result.reason as Error).name === "CancelledError") endings.cancelled++;
    else throw result.reason;
  }
  return endings;
}

export const sum = (all: readonly Endings[]): Endings => ({
  fulfilled: all.reduce((total, { fulfilled }) => total + fulfilled, 0),
  cancelled: all.reduce((total, { cancelled }) => total + cancelled, 0),
});
