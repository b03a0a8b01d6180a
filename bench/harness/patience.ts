/**
 * Spinning that gives way: a peer that has not answered for this long is not running, because somebody else has its
 * core, and may be waiting for ours. On two cores of one's own it never comes to that.
 */
const LOOKS_MAX = 20_000;
const REST_MS = 0.05;
const never = new Int32Array(new SharedArrayBuffer(4));

/** After a look in vain: the looks so far, and 0 after a rest. */
export function patience(looks: number): number {
  if (looks < LOOKS_MAX) return looks + 1;
  Atomics.wait(never, 0, 0, REST_MS);
  return 0;
}
