import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import type { Connection, Table } from '../../public/client/client.js';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';

const FOLDER = join(CLONE, 'public/client');
const ENTRIES = ['client', 'table', 'shared'];
/** Of `.`, `./table` and `./shared` together, minified and gzipped. */
const MAX_BYTES = 7000;

/** Where nobody answers. */
const NOWHERE = 'http://127.0.0.1:9/events';

type Own<Whole> = Exclude<keyof Whole, keyof EventTarget>;

/** Every member that the types have: the compiler asks for those that are left out. */
const CONNECTION: Readonly<Record<Own<Connection>, string>> = {
  CONNECTING: 'number',
  OPEN: 'number',
  CLOSED: 'number',
  readyState: 'number',
  status: 'string',
  url: 'string',
  withCredentials: 'boolean',
  lastEventId: 'string',
  lastActivity: 'number',
  onopen: 'object',
  onmessage: 'object',
  onerror: 'object',
  onstatuschange: 'object',
  ondelete: 'object',
  onleave: 'object',
  ongap: 'object',
  onlive: 'object',
  onstale: 'object',
  onfresh: 'object',
  onexpired: 'object',
  onunauthorized: 'object',
  close: 'function',
  restart: 'function',
  wake: 'function',
  [Symbol.asyncIterator]: 'function',
};
const TABLE: Readonly<Record<Own<Table>, string>> = {
  connection: 'object',
  status: 'string',
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
  test('is below 7 kB with the table and shared.js, as a bundler makes it', async () => {
    const contents = ENTRIES.map((name) => `export * from './${name}.js';`).join('\n');
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: FOLDER },
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'es2022',
      write: false,
    });
    expect(gzipSync(outputFiles[0]!.contents, { level: 9 }).length).toBeLessThan(MAX_BYTES);
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
    type Price = { readonly price: number };
    const use = (
      { connect, table }: typeof import('../../public/client/client.js'),
      { shared }: typeof import('../../public/client/shared.js'),
      connection: Connection,
      rows: Table,
    ): void => {
      const old: EventSource['onopen'] = null;
      connection.onopen = old;
      connection.onmessage = ({ data, lastEventId, detail }) => [data, lastEventId, detail];
      connection.ongap = ({ detail }) => detail.partitions.map(({ from, to }) => to - from);
      connection.addEventListener('unauthorized', ({ detail }) => detail.reason === 'missing');
      const priced = connect<Price>('/prices', {
        parse: JSON.parse,
        since: new Date(),
        key: ['a'],
      });
      priced.onmessage = ({ detail }) => detail.value.price.toFixed(2);
      const prices = table<Price>('/prices', { connect: shared, where: 'value.price > 1.0' });
      prices.get('a')?.price.toFixed(2);
      prices.status === 'live' && prices.record('a')?.value.price;
      table<Price>(['/prices', '/orders']).get('orders')?.get('a')?.price.toFixed(2);
      // @ts-expect-error a value is what it is said to be
      prices.get('a')?.cost;
      // @ts-expect-error a table is made of JSON
      table('/prices', { format: 'text' });
      // @ts-expect-error there is no such status
      connection.status === 'open';
      const iterate = async (): Promise<number> => {
        for await (const { type, detail } of priced) {
          if (type === 'message') return detail.value.price;
          if (type === 'stale') return detail.since;
        }
        return 0;
      };
      iterate();
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
