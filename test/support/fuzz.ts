import process from 'node:process';
import fc from 'fast-check';

/** One for all properties of a run; `FUZZ_SEED=N` repeats it. */
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);

/** Runs a property with so many inputs; a failure tells seed and path, too. */
export async function fuzz<T>(
  what: string,
  property: fc.IAsyncProperty<T>,
  numRuns: number,
): Promise<void> {
  process.stderr.write(`tests: ${what}: FUZZ_SEED=${SEED}\n`);
  // The inputs that fail are found by real requests: shrinking them must end, too.
  await fc.assert(property, { seed: SEED, numRuns, interruptAfterTimeLimit: 50_000 });
}
