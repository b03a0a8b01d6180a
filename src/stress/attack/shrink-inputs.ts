/** Fewer inputs with the same finding: delta debugging, bounded in time. */
const SHRINK_MS_MAX = 20_000;

/** `fails` tries some of the inputs, in their order, on a fresh machine. */
export async function shrinkInputs(
  inputs: readonly number[],
  fails: (some: readonly number[]) => Promise<boolean>,
): Promise<readonly number[]> {
  const until = performance.now() + SHRINK_MS_MAX;
  let left = inputs;
  for (let parts = 2; left.length > 1 && performance.now() < until; ) {
    const size = Math.ceil(left.length / parts);
    let shorter: readonly number[] | undefined;
    for (let at = 0; at < left.length && shorter === undefined && performance.now() < until; at += size) {
      const without = [...left.slice(0, at), ...left.slice(at + size)];
      if (without.length > 0 && (await fails(without))) shorter = without;
    }
    if (shorter !== undefined) {
      left = shorter;
      parts = Math.max(2, parts - 1);
    } else if (size === 1) break;
    else parts = Math.min(left.length, 2 * parts);
  }
  return left;
}
