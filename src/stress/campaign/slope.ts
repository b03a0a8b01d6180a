/** Least squares: how much `values` grow per unit of `at`. 0 for fewer than two points. */
export function slopePerMinute(at: readonly number[], values: readonly number[]): number {
  const mean = (numbers: readonly number[]) =>
    numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  if (at.length < 2) return 0;
  const [meanAt, meanValue] = [mean(at), mean(values)];
  const spread = at.reduce((sum, x) => sum + (x - meanAt) ** 2, 0);
  if (spread === 0) return 0;
  return at.reduce((sum, x, index) => sum + (x - meanAt) * ((values[index] ?? 0) - meanValue), 0) / spread;
}
