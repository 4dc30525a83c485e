import process from 'node:process';
import { parseArgs } from 'node:util';
import { type Storm, simulate } from './storm.ts';

const THIRD: Partial<Storm> = { lost: 33, maxConnections: 15_000 };

/** The rows of docs/sizing.md: some of a hundred gateways die, with a million clients. */
const ROWS: readonly (readonly [what: string, storm: Partial<Storm>])[] = [
  ['one of 100 dies; each has room for a tenth more', { lost: 1 }],
  ['a third of 100; room for half more', THIRD],
  ['the same, room for all and 0.3 % more', { lost: 33, maxConnections: 14_970 }],
  ['as the second, the balancer notices after 5 s', { ...THIRD, noticedMs: 5000 }],
  ['as the second, a connect costs 3 ms', { ...THIRD, connectMs: 3 }],
  ['the same, `net.core.somaxconn` is 511', { ...THIRD, connectMs: 3, backlog: 511 }],
];

/** Prints the table. */
export function main(args: readonly string[]): void {
  const { values } = parseArgs({
    args: [...args],
    options: {
      clients: { type: 'string', default: '1000000' },
      gateways: { type: 'string', default: '100' },
      'connect-ms': { type: 'string', default: '1' },
    },
  });
  const base: Storm = {
    clients: Number(values.clients),
    gateways: Number(values.gateways),
    lost: 1,
    maxConnections: 11_000,
    connectMs: Number(values['connect-ms']),
    backlog: 4096,
    noticedMs: 0,
  };
  const lines = ROWS.map(([what, storm]) => {
    const { back, refused, dropped, busiest } = simulate({ ...base, ...storm });
    const seconds = [back.half, back.most, back.all].map((ms) => (ms / 1000).toFixed(1));
    const { connectsPerSecond, waitMs, streams } = busiest;
    return `| ${[what, ...seconds, connectsPerSecond, waitMs, streams, refused, dropped].join(' | ')} |`;
  });
  process.stdout.write(
    '| what | half back, s | 99 % | all | connects/s of the busiest | longest wait there, ms | its streams | told to come later | connections dropped |\n' +
      `|---|---|---|---|---|---|---|---|---|\n${lines.join('\n')}\n`,
  );
}
