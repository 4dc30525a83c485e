/** What keeps the benchmark from running, in words for who typed the command; shown without a stack. */
export class BenchError extends Error {
  /** @override */
  name = 'BenchError';
}
