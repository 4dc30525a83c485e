/**
 * How long many clients with filters hold everybody else up, after `npm run build`: ten thousand of them come within
 * seconds, and look for what is nowhere in a memory of 64 MB, or for what lies below one of 1 MB. What is told is the
 * longest that a timer was late, which is theirs on a quiet machine alone, and the processor time of all.
 *
 *     node bench/turns.mjs
 *
 * @module
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { loadBuilt } from './built.mjs';

const { Feed } = await loadBuilt('app/feed/feed.js');
const { ReaderSlots } = await loadBuilt('app/history/reader_slots.js');
const { parseFilterQuery, filterOf } = await loadBuilt('app/http/filter_query.js');
const { TEXT } = await loadBuilt('app/views/format.js');

const MEMORY_BYTES = 64 * 2 ** 20;
/** Of the memory, half is for records: as many as fit, about. */
const RECORDS = 120_000;
const BATCH = 500;
const CLIENTS = 10_000;
const POLL_MS = 5;

const topic = { name: 'orders', id: Uint8Array.of(1, 2, 3, 4) };
const encoder = new TextEncoder();

/** @param {number} offset */
function record(offset) {
  const order = {
    id: offset,
    customer: `c-${offset % CLIENTS}`,
    total: offset % 500,
    note: 'x'.repeat(120),
  };
  const value = encoder.encode(JSON.stringify(order));
  return {
    partition: 0,
    offset,
    timestamp: offset,
    key: encoder.encode(`k${offset % CLIENTS}`),
    value,
    headers: [],
  };
}

let written = 0;
/** A Kafka that has written nothing when the gateway begins, and then all of it. */
const source = {
  describe: () =>
    Promise.resolve({
      ...topic,
      partitions: 1,
      compacted: false,
      deletes: true,
      deleteRetentionMs: null,
    }),
  /** @param {string} _topic @param {readonly number[]} partitions @param {unknown} at */
  offsets: (_topic, partitions, at) => {
    const offset = at === 'earliest' ? 0 : written;
    return Promise.resolve(new Map(partitions.map((partition) => [partition, offset])));
  },
  /** @param {unknown} _topic @param {ReadonlyMap<number, number>} from @param {AbortSignal} signal */
  async *read(_topic, from, signal) {
    let [[, next = 0] = []] = from;
    written = RECORDS;
    while (next < RECORDS && !signal.aborted) {
      const count = Math.min(BATCH, RECORDS - next);
      const records = Array.from({ length: count }, (_, n) => record(next + n));
      next += count;
      yield { records, positions: new Map([[0, next]]) };
    }
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  },
  status: () => ({ up: true, error: null }),
  close: () => Promise.resolve(),
};

const delays = monitorEventLoopDelay({ resolution: 1 });
/** @param {() => boolean} look */
async function until(look) {
  while (!look()) await delay(POLL_MS);
}

/**
 * @param {string} name
 * @param {(n: number) => string} query of each client
 * @param {{ clients?: number, memory?: number }} [options]
 */
async function measure(name, query, { clients = CLIENTS, memory = MEMORY_BYTES } = {}) {
  const end = new AbortController();
  written = 0;
  const slots = { history: new ReaderSlots(8), sweeps: new ReaderSlots(2) };
  const feed = new Feed(topic.name, { ...source, forClients: source }, memory, slots);
  const run = feed.run(end.signal);
  await until(() => feed.loadedLog !== null && feed.loadedLog.nextSeq >= RECORDS);
  const [first] = memory === MEMORY_BYTES ? feed.loadedLog.start : [0];
  const cursor = { topicId: topic.id, offsets: new Map([[0, first]]) };
  let done = 0;
  const before = process.cpuUsage();
  delays.enable();
  delays.reset();
  for (let n = 0; n < clients; n++) {
    const own = parseFilterQuery(new URLSearchParams(query(n)), topic.name);
    const { filter, limit } = filterOf(own, null, '/orders');
    const { view } = feed.views.open(TEXT, filter, limit);
    const subscription = feed.subscribe(view, { cursor, since: null });
    let isDone = false;
    const take = () => {
      while (subscription.take() !== null);
      if (!isDone && subscription.behind === 0) {
        isDone = true;
        done++;
      }
      subscription.wait(take);
    };
    take();
    // As many come in a turn as a server lets in.
    if (n % 10 === 9) await delay(1);
  }
  await until(() => done === clients);
  delays.disable();
  const { user, system } = process.cpuUsage(before);
  const read = feed.traffic.recordsReadBack;
  console.log(
    `${name}: ${(delays.max / 1e6).toFixed(1)} ms at the longest, ${((user + system) / 1e6).toFixed(1)} s in all; ` +
      `${clients} clients over ${RECORDS - first} records, ${read} read back`,
  );
  end.abort();
  await run;
}

/** @param {string} expression */
const where = (expression) => `where=${encodeURIComponent(expression)}`;

await measure('keys that are nowhere', (n) => `key=nobody-${n}`);
await measure('fields of values', (n) => where(`value.customer == "nobody-${n}"`));
await measure('conditions', (n) => where(`value.total < ${-1 - n} && offset > ${n}`), {
  clients: 5,
});
await measure('keys that are nowhere, below memory', (n) => `key=nobody-${n}`, { memory: 2 ** 20 });
await measure('keys, below memory', (n) => `key=k${n}`, { memory: 2 ** 20 });
