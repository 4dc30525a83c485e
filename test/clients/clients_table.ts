import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { CLIENTS, type Client, MISHAPS, type Mishap, type Outcome } from './clients.ts';

/** What an outcome that is not exact means to a user. */
interface Limit {
  readonly at: readonly Mishap[];
  readonly outcome: Outcome;
  readonly words: string;
}

const LIMITS: readonly Limit[] = [
  {
    at: ['a cut before the blank line'],
    outcome: 'lost',
    words:
      "takes an id at its line: loses a record that is cut between the id's line feed and the blank line",
  },
  {
    at: ['a cut before the id', 'a cut within the id'],
    outcome: 'twice',
    words:
      'keeps the data of a block that was cut: a record that is cut after its data comes twice',
  },
  {
    at: ['a cut before the first record of since=latest'],
    outcome: 'lost',
    words:
      'ignores the id of a block without data: with `since=latest`, cut before its first event, it misses what comes until it is back',
  },
  {
    at: ['an end within the data'],
    outcome: 'damaged',
    words:
      'takes a block that a proxy has ended for a whole one: the value comes cut short, then whole',
  },
  {
    at: ['a restart'],
    outcome: 'gives up',
    words:
      'gives up when it cannot connect, as while the gateway restarts: make a new one, from the last id',
  },
  {
    at: ['a 502 of a proxy'],
    outcome: 'gives up',
    words: "gives up at a proxy's 502, as at anything but 200: make a new one, from the last id",
  },
];

const HEAD = ['client', 'version', 'sends the id by', 'begins after an id', 'what it cannot do'];

/** The table of `docs/clients.md`, from what the suite expects. */
export function clientsTable(): string {
  const rows = CLIENTS.map((client) => {
    const limits = limitsOf(client);
    return [
      client.name,
      versionOf(client),
      client.idBy.join(', '),
      client.beginning,
      limits.length === 0 ? '—' : limits.join('; '),
    ];
  });
  return [HEAD, HEAD.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |\n`).join('');
}

function limitsOf(client: Client): string[] {
  const { outcomes, alteredText, endsAtText, showsBlocksWithoutData, jsonOnly } = client;
  const limits = LIMITS.filter(({ at, outcome }) => at.every((one) => outcomes[one] === outcome));
  const told = limits.flatMap(({ at }) => at);
  const untold = MISHAPS.filter((one) => outcomes[one] !== undefined && !told.includes(one));
  if (untold.length > 0) throw new Error(`${client.name} at ${untold}: a limit without words`);
  return [
    ...limits.map(({ words }) => words),
    ...(alteredText
      ? ['as text, drops empty lines at the front of a value, and a BOM of a line']
      : []),
    ...(endsAtText ? ['as text, gives up at a value of more than 131,072 lines'] : []),
    ...(showsBlocksWithoutData
      ? [
          'shows blocks without data as messages with empty data, which no record has with `format=json`',
        ]
      : []),
    ...(jsonOnly ? ['a shell reads lines: `format=json` alone'] : []),
  ];
}

function versionOf({ packageName }: Client): string {
  if (packageName === undefined) return "Debian's";
  const read = (file: string): string => readFileSync(join(CLONE, file), 'utf8');
  const { packages } = JSON.parse(read('package-lock.json'));
  const requirement = read('test/python/requirements.txt')
    .split('\n')
    .find((line) => line.startsWith(`${packageName}==`));
  return packages[`node_modules/${packageName}`]?.version ?? requirement!.split('==')[1];
}
