/** Vector clocks: one counter per agent. `a[i]` is how much of agent i is known to have happened. */

export type VectorClock = number[];

/** Makes `into` know everything that `other` knows. */
export function join(into: VectorClock, other: readonly number[]): void {
  for (let agent = 0; agent < other.length; agent++) {
    const theirs = other[agent] ?? 0;
    if (theirs > (into[agent] ?? 0)) into[agent] = theirs;
  }
}
