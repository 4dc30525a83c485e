import { spawn } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import kafka from '@confluentinc/kafka-javascript';
import { loadBuilt } from './built.mjs';
import { BenchKafka } from './kafka.mjs';
import { KINDS, plainOrder } from './orders.mjs';
import { treeUsage } from './process_tree.mjs';
import { RunningServer } from './running_server.mjs';
import { knownServers } from './servers.mjs';

const GUARD = fileURLToPath(new URL('guard.mjs', import.meta.url));
const RECORDS = 100_000;
const ROUNDS = 3;
const FLUSH_MS = 60_000;
const PLAIN = 'plain';

/** From a topic to its first client, as JSON: records a second, and processor time of the gateway. */
export async function run() {
  const folder = await mkdtemp(join(tmpdir(), 'bench-values-'));
  const guard = spawn(process.execPath, [GUARD, folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  process.env['BENCH_FOLDER'] = folder;
  const registry = createServer(({ url }, response) => {
    const found = KINDS.find(({ id }) => url === `/schemas/ids/${id}`);
    response.writeHead(found ? 200 : 404).end(JSON.stringify(found?.answer ?? {}));
  });
  await new Promise((done) => registry.listen(0, '127.0.0.1', () => done(null)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (registry.address());
  try {
    const broker = await BenchKafka.start(join(folder, 'kafka'));
    const topics = [
      { topic: PLAIN, value: plainOrder },
      ...KINDS.map(({ name, value }) => ({ topic: name.replace(' ', '_'), value })),
    ];
    for (const { topic, value } of topics) {
      await broker.createTopic(topic);
      await fill(broker.brokers, topic, value);
    }
    const read = topics.slice(1).map(({ topic }) => `  ${topic}: { value: registry }`);
    const file = join(folder, 'streams.yaml');
    await writeFile(file, ['topics:', ...read, ''].join('\n'));
    for (const server of knownServers([]).filter(({ ours, missing }) => ours && missing === null)) {
      const env = { ...server.env, STREAMS_FILE: file, REGISTRY_URL: `http://127.0.0.1:${port}` };
      await measure(
        { ...server, env },
        broker.brokers,
        folder,
        topics.map(({ topic }) => topic),
      );
    }
    broker.close();
  } finally {
    registry.close();
    const cleaned = new Promise((done) => guard.on('exit', done));
    guard.stdin?.end();
    await cleaned;
  }
}

/**
 * @param {string} brokers
 * @param {string} topic
 * @param {(n: number) => Uint8Array} value
 */
async function fill(brokers, topic, value) {
  const producer = new kafka.Producer({
    'metadata.broker.list': brokers,
    'linger.ms': 20,
    'queue.buffering.max.messages': RECORDS + 1,
  });
  await new Promise((done, fail) =>
    producer.connect({}, (error) => (error ? fail(error) : done(null))),
  );
  for (let n = 0; n < RECORDS; n++) producer.produce(topic, 0, Buffer.from(value(n)), `order-${n}`);
  await new Promise((done, fail) =>
    producer.flush(FLUSH_MS, (error) => (error ? fail(error) : done(null))),
  );
  await new Promise((done) => producer.disconnect(() => done(null)));
}

/**
 * @param {import('./servers.mjs').Server} server
 * @param {string} brokers
 * @param {string} folder
 * @param {readonly string[]} topics
 */
async function measure(server, brokers, folder, topics) {
  const { freePort } = await loadBuilt('runtime/embedded_kafka/ports.js');
  const [port, adminPort] = [await freePort(), await freePort()];
  const place = { brokers, topic: PLAIN, partitions: 1, port, httpsPort: 0, adminPort, folder };
  const running = await RunningServer.start(server, place, '0');
  try {
    /** @type {Map<string, { rate: number, cost: number }[]>} */
    const runs = new Map(topics.map((topic) => [topic, []]));
    for (let round = 0; round <= ROUNDS; round++) {
      for (const topic of topics) {
        const before = treeUsage(running.pid);
        const began = performance.now();
        await readAll(`http://127.0.0.1:${port}/${topic}?format=json&until=live`);
        const seconds = (performance.now() - began) / 1000;
        await delay(300);
        const after = treeUsage(running.pid);
        const cpu = after.user + after.system - before.user - before.system;
        // The first one warms it up.
        if (round > 0) runs.get(topic)?.push({ rate: RECORDS / seconds, cost: cpu / RECORDS });
      }
    }
    const best = (/** @type {string} */ topic) =>
      (runs.get(topic) ?? []).reduce((one, other) => (other.rate > one.rate ? other : one));
    const plain = best(PLAIN);
    for (const topic of topics) {
      const { rate, cost } = best(topic);
      const share = ((100 * rate) / plain.rate).toFixed(0);
      console.log(
        `${server.name}, ${topic}: ${Math.round(rate / 1000)} thousand records/s (${share} %), ` +
          `${(cost * 1e6).toFixed(1)} µs of a core for each`,
      );
    }
  } finally {
    await running.stop();
  }
}

/** @param {string} url */
function readAll(url) {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let end = '';
      response.on('data', (/** @type {Buffer} */ chunk) => {
        end = (end + chunk.subarray(-200).toString()).slice(-200);
      });
      response.on('end', () =>
        end.includes('event:live') ? resolve(null) : reject(new Error(`${url} was cut`)),
      );
      response.on('error', reject);
    }).on('error', reject);
  });
}
