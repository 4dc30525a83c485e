import { join } from 'node:path';
import process from 'node:process';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import type { Command } from '../support/program.ts';
import { PYTHON } from '../support/python.ts';
import { IS_ALL } from '../support/tier.ts';

/**
 * What a client makes of a record during which something happens to its stream: it comes once, not at
 * all, twice, or damaged; or the client does not come back.
 */
export type Outcome = 'exact' | 'lost' | 'twice' | 'damaged' | 'gives up';

/** What happens to a stream, in the order of the suite. */
export const MISHAPS = [
  'a cut before the first record of since=latest',
  'a cut within the data',
  'a cut before the id',
  'a cut within the id',
  'a cut before the blank line',
  'a cut after the block',
  'an end within the data',
  'a refusal',
  'a restart',
  'a 502 of a proxy',
] as const;

export type Mishap = (typeof MISHAPS)[number];

/** A client of others, and what it can do: the suite and `docs/clients.md` are held against this. */
export interface Client {
  readonly name: string;
  /** Where its version stands: a package of `package.json` or `requirements.txt`. */
  readonly packageName?: string;
  readonly command: Command;
  /** How it sends the id when it comes back. */
  readonly idBy: readonly ('header' | 'query')[];
  /** How it is told to begin after an id that was kept. */
  readonly beginning: string;
  /** Those that are not exact. */
  readonly outcomes: Partial<Record<Mishap, Outcome>>;
  /** Blocks without data come as messages with empty data. */
  readonly showsBlocksWithoutData?: true;
  /** Titles of values (`hostile_records.ts`) that come otherwise as text; with format=json none does. */
  readonly alteredText?: readonly string[];
  /** Title of a value at which it gives up, as text. */
  readonly endsAtText?: string;
  /** It reads format=json alone. */
  readonly jsonOnly?: true;
}

const driver = (file: string): string => join(CLONE, 'test', 'clients', file);
const node = (file: string, ...args: string[]): Command => [
  process.execPath,
  driver(file),
  ...args,
];
const DENO = join(CLONE, 'node_modules', '.bin', 'deno');

export const CLIENTS: readonly Client[] = [
  {
    name: 'Chromium',
    command: node('chromium.mjs'),
    idBy: ['header'],
    beginning: "`new EventSource('/events?lastEventId=' + encodeURIComponent(id))`",
    outcomes: { 'a 502 of a proxy': 'gives up' },
  },
  {
    name: 'eventsource 4',
    packageName: 'eventsource',
    command: node('event_source.mjs', 'eventsource', 'EventSource'),
    idBy: ['header'],
    beginning: 'as in a browser',
    outcomes: {
      'a cut before the first record of since=latest': 'lost',
      'a 502 of a proxy': 'gives up',
    },
  },
  {
    name: 'eventsource 3',
    packageName: 'eventsource-3',
    command: node('event_source.mjs', 'eventsource-3', 'EventSource'),
    idBy: ['header'],
    beginning: 'as in a browser',
    outcomes: {
      'a cut before the first record of since=latest': 'lost',
      'a 502 of a proxy': 'gives up',
    },
  },
  {
    name: 'eventsource 2',
    packageName: 'eventsource-2',
    command: node('event_source.mjs', 'eventsource-2', 'default'),
    idBy: ['header'],
    beginning: "`{ headers: { 'Last-Event-ID': id } }`",
    outcomes: { 'a cut before the id': 'twice', 'a cut within the id': 'twice' },
  },
  {
    name: 'eventsource-client',
    packageName: 'eventsource-client',
    command: node('eventsource_client.mjs'),
    idBy: ['header'],
    beginning: '`{ initialLastEventId: id }`',
    outcomes: { 'a cut before the first record of since=latest': 'lost' },
  },
  {
    name: '@microsoft/fetch-event-source',
    packageName: '@microsoft/fetch-event-source',
    command: node('fetch_event_source.mjs'),
    idBy: ['header'],
    beginning: "`{ headers: { 'last-event-id': id } }`",
    outcomes: { 'a cut before the blank line': 'lost' },
    alteredText: [
      'line ends alone',
      'line ends at both ends',
      'a BOM at the front',
      'a BOM on a later line',
      'only a BOM',
      'a BOM before bytes that are no UTF-8',
    ],
    showsBlocksWithoutData: true,
  },
  {
    name: 'event-source-polyfill',
    packageName: 'event-source-polyfill',
    command: node('event_source.mjs', 'event-source-polyfill', 'EventSourcePolyfill'),
    idBy: ['query'],
    beginning: 'as in a browser',
    outcomes: {
      'a cut before the first record of since=latest': 'lost',
      'a 502 of a proxy': 'gives up',
    },
  },
  {
    name: 'reconnecting-eventsource',
    packageName: 'reconnecting-eventsource',
    command: node('event_source.mjs', 'reconnecting-eventsource', 'default'),
    idBy: ['header', 'query'],
    beginning: '`{ lastEventId: id }`',
    outcomes: { 'a cut before the first record of since=latest': 'lost' },
  },
  {
    name: "Node's EventSource (undici)",
    packageName: 'undici',
    command: node('event_source.mjs', 'undici', 'EventSource'),
    idBy: ['header'],
    beginning: 'as in a browser',
    outcomes: { 'a restart': 'gives up', 'a 502 of a proxy': 'gives up' },
    endsAtText: '1 MB on many lines',
  },
  {
    name: "Deno's EventSource",
    packageName: 'deno',
    command: [
      DENO,
      'run',
      '--quiet',
      '--no-prompt',
      '--no-config',
      '--allow-net',
      driver('event_source.mjs'),
      'global',
      'EventSource',
    ],
    idBy: ['header'],
    beginning: 'as in a browser',
    outcomes: { 'a 502 of a proxy': 'gives up' },
  },
  {
    name: 'httpx-sse',
    packageName: 'httpx-sse',
    command: [PYTHON, driver('httpx_sse_client.py')],
    idBy: ['header'],
    beginning: '`headers={"Last-Event-ID": id}`',
    outcomes: {},
    showsBlocksWithoutData: true,
  },
  {
    name: 'sseclient-py',
    packageName: 'sseclient-py',
    command: [PYTHON, driver('sseclient_py_client.py')],
    idBy: ['header'],
    beginning: '`headers={"Last-Event-ID": id}`',
    outcomes: {
      'a cut before the first record of since=latest': 'lost',
      'an end within the data': 'damaged',
    },
  },
  {
    name: 'curl',
    command: ['bash', driver('curl.sh')],
    idBy: ['header'],
    beginning: '`-H "Last-Event-ID: $id"`',
    outcomes: {},
    jsonOnly: true,
  },
];

/** A browser, and of each language and kind one, stand for all where `npm test` has no time. */
const USUAL = new Set(['Chromium', 'eventsource 4', 'httpx-sse', 'curl']);

/** Those that the suite runs. */
export const CLIENTS_TO_RUN: readonly Client[] = IS_ALL
  ? CLIENTS
  : CLIENTS.filter(({ name }) => USUAL.has(name));
