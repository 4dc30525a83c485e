import { expect, test } from '@jest/globals';
import { runScenario } from './scenario.ts';

/** The scenario with this seed is the first; the next ones count up. */
const FIRST_SEED = Number(process.env['MODEL_SEED'] ?? 1);
const RUNS = Number(process.env['MODEL_RUNS'] ?? 1000);
/** Lines of a failed scenario that are shown. */
const SHOWN_LINES = Number(process.env['MODEL_LINES'] ?? 60);

test(
  'Feed gives every client what the contract says, whatever happens',
  async () => {
    const started = performance.now();
    const counts = new Map<string, number>();
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
      const outcome = await runScenario(seed, false);
      if (outcome.failure !== null) throw new Error(await report(seed));
      for (const [kind, count] of outcome.counts) {
        counts.set(kind, (counts.get(kind) ?? 0) + count);
      }
      // Lets the runtime collect what only a turn of its loop lets go.
      await new Promise(setImmediate);
    }
    const seconds = (performance.now() - started) / 1000;
    console.info(
      `${RUNS} scenarios from seed ${FIRST_SEED}, ${(RUNS / seconds).toFixed(0)} a second: ` +
        [...counts].map(([kind, count]) => `${count} ${kind}`).join(', '),
    );
    expect(counts.size).toBeGreaterThan(0);
  },
  1000 * 60 * 60 * 10,
);

/** What a person needs to see it again. */
async function report(seed: number): Promise<string> {
  const { failure, trace } = await runScenario(seed, true);
  return [
    `scenario ${seed}: ${failure}`,
    `again: MODEL_SEED=${seed} MODEL_RUNS=1`,
    ...trace.slice(-SHOWN_LINES),
  ].join('\n');
}
