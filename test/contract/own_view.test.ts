import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Page } from '../docs/pages.ts';
import { Issuer } from '../support/issuer.ts';
import type { Topic } from '../support/kafka.ts';
import { onAnyRuntime } from '../support/runtime.ts';
import { Gateway, kafka } from './face.ts';

const { blocks } = new Page('docs/own_view.md');

let issuer: Issuer;
let orders: Topic;
let prices: Topic;
let tickets: Topic;
beforeAll(async () => {
  issuer = await Issuer.start();
  orders = await kafka.createTopic();
  prices = await kafka.createTopic({ compacted: true });
  tickets = await kafka.createTopic({ compacted: true });
});
afterAll(() => issuer[Symbol.asyncDispose]());

/** A block of a section, for the topics of this test. */
function block(heading: string, language: string): string {
  const at = blocks.findIndex(({ prose }) => prose.includes(`## ${heading}\n`));
  const { text } = blocks.slice(at).find((one) => one.language === language)!;
  return text
    .replaceAll('orders', orders.name)
    .replaceAll('prices', prices.name)
    .replaceAll('tickets', tickets.name);
}

/**
 * Runs what a page has, and shows what it got until all is there that was there.
 * @param then what happens from then on, until so many more events have come
 */
async function shown(
  gateway: Gateway,
  script: string,
  headers = {},
  then: { readonly events: number; happens(): Promise<void> } | null = null,
): Promise<unknown[][]> {
  const calls: unknown[][] = [];
  const listeners = new Map<string, (event: { data: string }) => void>();
  let url = '';
  class EventSource {
    constructor(asked: string) {
      url = asked;
    }
    addEventListener(name: string, listener: (event: { data: string }) => void): void {
      listeners.set(name, listener);
    }
  }
  const show = (...args: unknown[]): void => void calls.push(args);
  new Function('EventSource', 'show', script)(EventSource, show);
  await using stream = await gateway.stream(url, { headers });
  await stream.until('all there is', () => stream.events.some(({ event }) => event === 'live'));
  const before = stream.events.length;
  await then?.happens();
  await stream.untilEvents(before + (then?.events ?? 0));
  for (const { event, data } of stream.events) listeners.get(event)?.({ data });
  return calls;
}

onAnyRuntime((runtime) => {
  const order = (id: number, customer: string, total: number, currency = 'EUR') => ({
    key: customer,
    value: JSON.stringify({ id, customer, total, currency }),
  });

  test('the patterns of docs/own_view.md are what a page gets', async () => {
    await orders.produce(
      order(1, 'alice', 99),
      order(2, 'bob', 101),
      order(3, 'alice', 250, 'CHF'),
      order(4, 'alice', 250, 'USD'),
      { key: 'bob', value: '{}' },
    );
    await prices.produce(
      { key: 'gold', value: '1' },
      { key: 'tin', value: '2' },
      { key: 'gold', value: '3' },
    );
    const topics = `topics: { ${orders.name}: { value: json }, ${prices.name}: { value: json } }`;
    const fileOf = async (text: string): Promise<string> => {
      const file = join(await mkdtemp(join(tmpdir(), 'own-view-')), 'streams.yaml');
      await writeFile(file, text);
      return file;
    };
    const ids = (calls: unknown[][]): unknown[] =>
      calls.map(([value]) => (value as { id: number }).id);
    {
      const env = { STREAMS_FILE: await fileOf(topics) };
      await using gateway = await Gateway.startReady(runtime, { env });
      const get = (heading: string) => shown(gateway, block(heading, 'js'));
      expect(ids(await get('My orders, by their key'))).toEqual([1, 3, 4]);
      expect(ids(await get('Only the big ones'))).toEqual([2, 3]);
      expect(await get('A ticker')).toEqual([
        ['tin', 2],
        ['gold', 3],
      ]);
    }
    const heading = 'My orders, by who I am';
    const env = { ...issuer.env, STREAMS_FILE: await fileOf(block(heading, 'yaml')) };
    await using gateway = await Gateway.startReady(runtime, { env });
    const of = async (sub: string): Promise<unknown[]> => {
      const authorization = `Bearer ${await issuer.token({ sub })}`;
      return ids(await shown(gateway, block(heading, 'js'), { authorization }));
    };
    expect([await of('alice'), await of('bob'), await of('carol')]).toEqual([[1, 3, 4], [2], []]);
    expect((await fetch(`${gateway.http}/${orders.name}`)).status).toBe(404);
  });

  test('what docs/own_view.md says of what leaves is what a page gets', async () => {
    const ticket = (key: string, assignee: string, open = true) => ({
      key,
      value: JSON.stringify({ assignee, open }),
    });
    const heading = 'What is mine, while it is mine';
    const file = join(await mkdtemp(join(tmpdir(), 'own-view-')), 'streams.yaml');
    await writeFile(file, block(heading, 'yaml'));
    await tickets.produce(ticket('a', 'alice'), ticket('b', 'alice'), ticket('c', 'bob'));
    await using gateway = await Gateway.startReady(runtime, {
      env: { ...issuer.env, STREAMS_FILE: file },
    });
    const authorization = `Bearer ${await issuer.token({ sub: 'alice' })}`;
    const calls = await shown(
      gateway,
      block(heading, 'js'),
      { authorization },
      {
        events: 3,
        happens: () =>
          tickets.produce(
            ticket('a', 'alice', false),
            ticket('c', 'carol'),
            ticket('b', 'bob'),
            ticket('d', 'alice'),
          ),
      },
    );
    expect(calls.at(-1)).toEqual([['d']]);
    const all = new Set(calls.flatMap(([keys]) => keys as string[]));
    expect([...all].toSorted()).toEqual(['a', 'b', 'd']);
  });
});
