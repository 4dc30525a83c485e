/**
 * Runs scenarios: `node run.js FIRST_SEED RUNS [LINES [rights | several]]`, of the core, of the rights, or of several topics in one stream. The first that fails ends it with 1 and is
 * told, with the last lines of what led to it; else it prints how often what happened, as JSON.
 *
 * @module
 */
import { runRightsScenario } from './rights_scenario.ts';
import { runScenario } from './scenario.ts';
import { runSeveralScenario } from './several_scenario.ts';

const [first = 1, runs = 1, lines = 60] = process.argv.slice(2, 5).map(Number);
const kinds = { rights: runRightsScenario, several: runSeveralScenario } as const;
const run = kinds[process.argv[5] as keyof typeof kinds] ?? runScenario;
const counts = new Map<string, number>();

for (let seed = first; seed < first + runs; seed++) {
  const { failure, counts: some } = await run(seed, false);
  if (failure !== null) {
    await tell(seed, failure);
    process.exit(1);
  }
  for (const [kind, count] of some) counts.set(kind, (counts.get(kind) ?? 0) + count);
  // Lets the runtime collect what only a turn of its loop lets go.
  await new Promise(setImmediate);
}
process.stdout.write(JSON.stringify(Object.fromEntries(counts)));

/** What a person needs to see it again. */
async function tell(seed: number, failure: string): Promise<void> {
  const { failure: again, trace } = await run(seed, true);
  const told = [
    `scenario ${seed}: ${failure}`,
    ...(again === failure ? [] : [`it is another one the second time: ${again}`]),
    `again: MODEL_SEED=${seed} MODEL_RUNS=1 MODEL_LINES=1000`,
    ...trace.slice(trace.length - lines),
  ];
  process.stdout.write(`${told.join('\n')}\n`);
}
