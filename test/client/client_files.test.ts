import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import type { Connection, Table } from '../../public/client/client.js';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';

const FOLDER = join(CLONE, 'public/client');
/** With what the sign-in takes; the page's frame for all of it, the table too, is 7 kB. */
const MAX_CLIENT_BYTES = 5500;
const MAX_TABLE_BYTES = 2500;

/** Where nobody answers. */
const NOWHERE = 'http://127.0.0.1:9/events';

type Own<Whole> = Exclude<keyof Whole, keyof EventTarget>;

/** Every member that the types have: the compiler asks for those that are left out. */
const CONNECTION: Readonly<Record<Own<Connection>, string>> = {
  CONNECTING: 'number',
  OPEN: 'number',
  CLOSED: 'number',
  readyState: 'number',
  url: 'string',
  withCredentials: 'boolean',
  lastEventId: 'string',
  lastActivity: 'number',
  onopen: 'object',
  onmessage: 'object',
  onerror: 'object',
  ondelete: 'object',
  ongap: 'object',
  onlive: 'object',
  onstale: 'object',
  onfresh: 'object',
  onexpired: 'object',
  onunauthorized: 'object',
  close: 'function',
  restart: 'function',
  [Symbol.asyncIterator]: 'function',
};
const TABLE: Readonly<Record<Own<Table>, string>> = {
  connection: 'object',
  whole: 'object',
  isWhole: 'boolean',
  size: 'number',
  record: 'function',
  get: 'function',
  has: 'function',
  forEach: 'function',
  keys: 'function',
  values: 'function',
  entries: 'function',
  close: 'function',
  [Symbol.iterator]: 'function',
};

function bytesOf(...names: string[]): Promise<Buffer[]> {
  return Promise.all(names.map((name) => readFile(join(FOLDER, name))));
}

/** The names and types of members, as `expected` has them. */
function membersOf(value: object, expected: object): Record<string | symbol, string> {
  const types = Reflect.ownKeys(expected).map((name) => [name, typeof Reflect.get(value, name)]);
  return Object.fromEntries(types);
}

/** Names of all members, but for those that Node gives to an EventTarget. */
function namesOf(value: object): string[] {
  const names = [...Reflect.ownKeys(value), ...Reflect.ownKeys(Object.getPrototypeOf(value))];
  const own = names.map(String).filter((name) => !/^Symbol\((?!Symbol\.)|^constructor$/.test(name));
  return own.sort();
}

describe('client.js', () => {
  test('is below 5.5 kB gzipped as it is served, and the table below 2.5 kB more', async () => {
    const [table, ...client] = await bytesOf(
      'client_table.js',
      'client.js',
      'client_events.js',
      'client_stream.js',
    );
    const bytes = client.reduce((sum, file) => sum + gzipSync(file).length, 0);
    expect(bytes).toBeLessThan(MAX_CLIENT_BYTES);
    expect(gzipSync(table!).length).toBeLessThan(MAX_TABLE_BYTES);
  });

  test('has what its types say, and no more', async () => {
    const module = await import('../../public/client/client.js');
    expect(Object.keys(module).sort()).toEqual(['connect', 'table']);
    expect(Object.keys(await import('../../public/client/shared.js'))).toEqual(['shared']);
    const signal = AbortSignal.abort();
    const connection = module.connect(NOWHERE, { signal });
    const rows = module.table(NOWHERE, { signal });
    expect(membersOf(connection, CONNECTION)).toEqual(CONNECTION);
    expect(membersOf(rows, TABLE)).toEqual(TABLE);
    const listed = [CONNECTION, TABLE].map((types) => Reflect.ownKeys(types).map(String).sort());
    expect([connection, rows].map(namesOf)).toEqual(listed);
  });

  test('is used as its types say', () => {
    // For the compiler alone.
    const use = (connection: Connection, rows: Table): void => {
      const old: EventSource['onopen'] = null;
      connection.onopen = old;
      connection.onmessage = ({ data, lastEventId, detail }) => [data, lastEventId, detail];
      connection.addEventListener('error', ({ error, retryMs }) => [error.status, retryMs]);
      rows.addEventListener('change', ({ keys }) => keys.map((key) => rows.get(key)));
      new Map(rows);
      // @ts-expect-error a table is changed by its topic alone
      rows.set('key', 'value');
      // @ts-expect-error only close() changes it
      connection.readyState = 2;
    };
    expect(use).toBeInstanceOf(Function);
  });
});
