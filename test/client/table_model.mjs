/**
 * Checks `table()` against a model of a compacted topic, on any runtime: whatever happens, in
 * whatever order, a table that has caught up shows what the topic has. Ends with 1 and the smallest
 * sequence of steps that led elsewhere.
 */

import process from 'node:process';
import { URL } from 'node:url';
import fc from 'fast-check';
import { CompactedTopic, settled } from './compacted_topic.mjs';

/** @type {typeof import('../../public/client/client.js')} */
const { table } = await import(new URL('../../public/client/client.js', import.meta.url).href);

const PARTITIONS = 2;
const DELETE_RETENTION_MS = 1000;
const topics = [{ path: '/events', compacted: true, deleteRetentionMs: DELETE_RETENTION_MS }];

let now = 0;
Date.now = () => now;

const partition = fc.nat(PARTITIONS - 1);
const key = fc.constantFrom('a', 'b');
const ms = fc.constantFrom(100, 600, 1100);
const value = fc.option(fc.constantFrom('1', '2', '3'), { freq: 3 });
const count = fc.integer({ min: 1, max: 4 });

/** @param {readonly [string, ...string[]]} names */
const does = (...names) => fc.constantFrom(...names);

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ does: does('write'), partition, key, value, late: fc.nat(3) }),
  },
  { weight: 4, arbitrary: fc.record({ does: does('deliver'), count, fromLast: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ does: does('open') }) },
  { weight: 1, arbitrary: fc.record({ does: does('cut', 'compact') }) },
  { weight: 1, arbitrary: fc.record({ does: does('wait'), ms }) },
  // Of steps that hardly ever come in this order by chance.
  { weight: 2, arbitrary: fc.record({ does: does('delete while away'), partition, key, ms }) },
  { weight: 1, arbitrary: fc.record({ does: does('retain', 'truncate'), partition }) },
  { weight: 1, arbitrary: fc.record({ does: does('recreate') }) },
);

/** @param {CompactedTopic} topic @param {any} taken */
async function take(topic, taken) {
  if (taken.does === 'write') {
    topic.write(taken.partition, taken.key, taken.value, now - taken.late);
  }
  if (taken.does === 'deliver') await topic.deliver(taken.count, taken.fromLast);
  if (taken.does === 'open') await topic.open();
  if (taken.does === 'cut') topic.cut();
  if (taken.does === 'compact') topic.compact();
  if (taken.does === 'retain') topic.retain(taken.partition);
  if (taken.does === 'truncate') topic.truncate(taken.partition);
  if (taken.does === 'recreate') topic.recreate();
  if (taken.does === 'delete while away') {
    topic.cut();
    topic.write(taken.partition, taken.key, null, now);
    now += taken.ms;
    topic.compact();
  }
  if (taken.does === 'wait') {
    // Who is connected lags by much less than a delete is kept, and hears the heartbeats.
    await topic.deliver(Number.POSITIVE_INFINITY);
    now += taken.ms;
    if (topic.isOpen) topic.lastActivity = now;
  }
  await settled();
}

/** @param {readonly (readonly unknown[])[]} entries */
function sorted(entries) {
  return entries
    .map((entry) => JSON.stringify(entry))
    .sort()
    .join();
}

const property = fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
  now = 1_000_000;
  const topic = new CompactedTopic(PARTITIONS, DELETE_RETENTION_MS);
  const rows = table(topic.url, {
    connect: () => /** @type {any} */ (topic),
    fetch: async () => /** @type {any} */ ({ ok: true, json: async () => ({ topics }) }),
  });
  /** What its `change` events made of a Map. */
  const told = new Map();
  rows.addEventListener('change', ({ keys }) => {
    for (const changed of keys) {
      if (rows.has(changed)) told.set(changed, rows.get(changed));
      else told.delete(changed);
    }
  });
  for (const taken of steps) await take(topic, taken);
  // Twice: it may be told to start over.
  for (const _ of [1, 2]) {
    await topic.open();
    await topic.deliver(Number.POSITIVE_INFINITY);
  }
  const expected = sorted(topic.latest());
  if (!rows.isWhole) throw new Error('it is not whole');
  if (sorted([...rows]) !== expected) throw new Error(`${sorted([...rows])} is not ${expected}`);
  if (sorted([...told]) !== expected) throw new Error(`it told of ${sorted([...told])}`);
});

try {
  await fc.assert(property, { numRuns: Number(process.argv[2]) });
} catch (error) {
  process.stderr.write(`${error}\n`);
  process.exit(1);
}
