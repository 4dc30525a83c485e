/**
 * The soak: what was produced against what each client got, while things break.
 *
 *     npm run soak -- --minutes 30 --runtime node|deno --seed N [--clients 200] [--rate 50] [--faults 'KIND,...']
 *                     [--pause 12] [--workers 1] [--token-seconds 30,3600] [--registry]
 *
 * @module
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { within } from '../support/deadline.ts';
import { RUNTIMES } from '../support/runtimes.ts';
import { isClean, slopesText, tableOf } from './report.ts';
import { FAULT_KINDS, MAX_PAUSE } from './schedule.ts';
import { type SoakOptions, soak } from './soak.ts';

/** The start, and the time for clients to come to the end. */
const BESIDE_MS = 15 * 60_000;
const USAGE =
  'npm run soak -- [--minutes 30] [--runtime node|deno] [--seed N] [--clients 200] [--rate 50] ' +
  `[--pause 12] [--workers 1] [--token-seconds 30,3600] [--registry] [--faults '${FAULT_KINDS.join()}']`;

/** @returns the exit code: 1 where a number is not 0 that must be, 2 where nothing could be judged. */
export async function main(args: readonly string[]): Promise<number> {
  const options = parse(args);
  if (options === null) {
    process.stderr.write(`soak: ${USAGE}\n`);
    return 2;
  }
  const say = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  try {
    const { outcome, clients } = await within(
      'the soak to end',
      soak(options, say),
      options.seconds * 2000 + BESIDE_MS,
    );
    say(`\n${tableOf(clients, outcome)}\n${slopesText(outcome)}`);
    const { strangers, filtered } = outcome;
    const { refused, leaked } = strangers;
    say(`clients with a filter: ${filtered.clients}; records that they got: ${filtered.delivered}`);
    say(`strangers refused: ${refused}; told something that they may not know: ${leaked}`);
    say(
      `streams ended for a broker that was away: ${outcome.streamsEnded}; ` +
        `gateways that ended badly: ${outcome.badEnds}; connections left open: ${outcome.connectionsLeft}`,
    );
    for (const [name, reasons] of Object.entries(outcome.endings)) {
      const told = Object.entries(reasons).map(([reason, count]) => `${count} ${reason}`);
      say(`streams that ended at the last process of ${name}: ${told.join(', ')}`);
    }
    say(`soak ${JSON.stringify(outcome)}`);
    if (isClean(outcome)) return 0;
    say(`\nNot exact, with --seed ${options.seed}:`);
    for (const { faults } of clients) if (faults !== '') say(faults);
    return 1;
  } catch (error) {
    process.stderr.write(`soak: with --seed ${options.seed}: ${(error as Error).stack}\n`);
    return 2;
  }
}

function parse(args: readonly string[]): SoakOptions | null {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string', default: '30' },
        runtime: { type: 'string', default: 'node' },
        seed: { type: 'string', default: `${Math.floor(Math.random() * 1e9)}` },
        clients: { type: 'string', default: '200' },
        rate: { type: 'string', default: '50' },
        faults: { type: 'string', default: FAULT_KINDS.join() },
        pause: { type: 'string', default: `${MAX_PAUSE}` },
        workers: { type: 'string', default: '1' },
        registry: { type: 'boolean', default: false },
        'token-seconds': { type: 'string', default: '30,3600' },
      },
    });
    const runtime = RUNTIMES.find(({ name }) => name.toLowerCase() === values.runtime);
    const seconds = Number(values.minutes) * 60;
    const [seed = 0, clients = 0, rate = 0, pause = 0, workers = 0] = [
      values.seed,
      values.clients,
      values.rate,
      values.pause,
      values.workers,
    ].map(Number);
    const tokenSeconds = values['token-seconds'].split(',').map(Number);
    const numbers = [seconds, seed, clients, rate, pause, workers, ...tokenSeconds];
    const names = values.faults.split(',');
    const faults = FAULT_KINDS.filter((kind) => names.includes(kind));
    const isUnderstood = numbers.every((number) => number > 0) && faults.length === names.length;
    if (runtime === undefined || !isUnderstood) return null;
    const { registry: hasRegistry } = values;
    return {
      runtime,
      seconds,
      seed,
      clients,
      rate,
      faults,
      pause,
      workers,
      tokenSeconds,
      hasRegistry,
    };
  } catch {
    return null;
  }
}
