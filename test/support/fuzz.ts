import process from 'node:process';
import fc from 'fast-check';
import { IS_ALL } from './tier.ts';

/** Of `npm test`: inputs that nobody has seen yet are looked for by `npm run test:all`. */
const USUAL_SEED = 1;
/** One for all properties of a run; `FUZZ_SEED=N` repeats it. */
const SEED = Number(process.env['FUZZ_SEED'] ?? (IS_ALL ? Date.now() % 2 ** 31 : USUAL_SEED));
const USUAL_PART = 1 / 5;

/** How many inputs a property of a unit takes that has so many in `npm run test:all`: each run takes others. */
export const runsOf = (runs: number): number => (IS_ALL ? runs : Math.ceil(runs * USUAL_PART));

/** Runs a property with so many inputs in `npm run test:all`; a failure tells seed and path, too. */
export async function fuzz<T>(
  what: string,
  property: fc.IAsyncProperty<T>,
  runs: number,
): Promise<void> {
  const numRuns = runsOf(runs);
  process.stderr.write(`tests: ${what}: FUZZ_SEED=${SEED}\n`);
  // The inputs that fail are found by real requests: shrinking them must end, too.
  await fc.assert(property, { seed: SEED, numRuns, interruptAfterTimeLimit: 50_000 });
}
