/**
 * The middle one of some numbers, or the mean of the two in the middle; NaN of none.
 *
 * @param {readonly number[]} numbers
 */
export function median(numbers) {
  const sorted = Float64Array.from(numbers).sort();
  const half = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(half)] ?? Number.NaN) + (sorted[Math.ceil(half)] ?? Number.NaN)) / 2;
}

/**
 * The least number that a share of all do not exceed; NaN of none.
 *
 * @param {readonly number[]} numbers
 * @param {number} share above 0, up to 1
 */
export function percentile(numbers, share) {
  const sorted = Float64Array.from(numbers).sort();
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}

/**
 * How far the numbers lie apart, as a share of their median.
 *
 * @param {readonly number[]} numbers
 */
export function spread(numbers) {
  return (Math.max(...numbers) - Math.min(...numbers)) / median(numbers);
}
