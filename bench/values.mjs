/**
 * What it costs to read values, after `npm run build`: the block of a record of 20 fields in
 * `format=json`, whose value is read by its schema, beside one that is passed on as it is.
 *
 *     node bench/values.mjs
 *     deno run --allow-env --allow-read bench/values.mjs
 *
 * And how fast a gateway gets a topic of such records to its first client, from a Kafka and a
 * registry of its own (on Linux, with two cores):
 *
 *     node bench/values.mjs --load
 *
 * @module
 */
import process from 'node:process';
import { loadBuilt } from './built.mjs';
import { KINDS, plainOrder } from './orders.mjs';

const RECORDS = 10_000;
const ROUNDS = 6;

if (process.argv.includes('--load')) await (await import('./values_load.mjs')).run();
else await blocks();

async function blocks() {
  const { ByteWriter } = await loadBuilt('app/wire/byte_writer.js');
  const { writeJsonLines } = await loadBuilt('app/wire/json_frame.js');
  const { TopicValues } = await loadBuilt('app/decode/topic_values.js');

  const web = {
    get: async (/** @type {string} */ url) => {
      const found = KINDS.find(({ id }) => url.endsWith(`/schemas/ids/${id}`));
      const body = new TextEncoder().encode(JSON.stringify(found?.answer));
      return { status: 200, headers: new Headers(), body };
    },
  };
  const settings = {
    registryUrl: 'http://registry',
    registryUsername: null,
    registryPassword: null,
    registryWaitSeconds: 1,
  };

  /** @param {(n: number) => Uint8Array} value */
  const recordsOf = (value) =>
    Array.from({ length: RECORDS }, (_, offset) => ({
      partition: 0,
      offset,
      timestamp: 1_700_000_000_000 + offset,
      key: new TextEncoder().encode(`order-${offset}`),
      value: value(offset),
      headers: [],
    }));

  /** @param {readonly object[]} records @param {object | null} values */
  const measure = (records, values) => {
    const out = new ByteWriter();
    const rounds = Array.from({ length: ROUNDS }, () => {
      out.clear();
      const before = process.cpuUsage();
      for (const record of records) writeJsonLines(out, record, values);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / records.length;
    });
    return { least: Math.min(...rounds.slice(1)), most: Math.max(...rounds.slice(1)) };
  };

  const tell = (/** @type {string} */ name, /** @type {{ least: number, most: number }} */ times) =>
    console.log(`${name}: ${times.least.toFixed(1)} to ${times.most.toFixed(1)} µs`);
  const plain = recordsOf(plainOrder);
  console.log('The block of a record of 20 fields in format=json, processor time:');
  tell('value: bytes, of JSON', measure(plain, null));
  const values = new TopicValues(settings, web);
  tell('value: json', measure(plain, values.of({}, 'json', 'json').values));
  for (const { name, value } of KINDS) {
    const records = recordsOf(value);
    const batches = {
      async *read() {
        yield { records };
      },
    };
    const source = values.of(batches, name, 'registry');
    for await (const _ of source.read(null, null, new AbortController().signal));
    tell(`value: registry, ${name}`, measure(records, source.values));
  }
  values.schemas.close();
}
