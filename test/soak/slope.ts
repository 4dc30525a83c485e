/** A measure at a time. */
export interface Point {
  /** In minutes. */
  readonly at: number;
  readonly value: number;
}

/** How a value grows a minute, by least squares; `null` where two points are not there. */
export function slopeOf(points: readonly Point[]): number | null {
  const meanAt = mean(points.map(({ at }) => at));
  const meanValue = mean(points.map(({ value }) => value));
  let [up, across] = [0, 0];
  for (const { at, value } of points) {
    up += (at - meanAt) * (value - meanValue);
    across += (at - meanAt) ** 2;
  }
  return across === 0 ? null : up / across;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
