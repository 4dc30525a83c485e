/**
 * Writes stamped records at a pace, in a process of its own so that no load delays it.
 *
 * @module
 */

import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import kafka from '@confluentinc/kafka-javascript';
import { answer } from './child.mjs';
import { nowMicros } from './clock.mjs';
import { stampedOrder, stampedValue } from './stamp.mjs';

/**
 * Where records go: into Kafka; by POST to a server that has no Kafka, one request each; or not
 * at all, because a server makes its own once it is asked to.
 *
 * @typedef {{ kind: 'kafka', brokers: string, topic: string, partitions: number }
 *   | { kind: 'post', url: string }
 *   | { kind: 'own', url: string }} Sink
 */

/**
 * @typedef {object} Pace
 * @property {Sink} sink
 * @property {number} rate records a second
 * @property {number} burst of them at once
 * @property {number} seconds
 * @property {boolean} [json] whether their values are orders
 * @property {number} [valueBytes]
 * @property {Pick<import('./crowd.mjs').Keys, 'count' | 'stride'>} [keys]
 */

/** Of records that nobody asks for by their keys. */
const KEYS = { count: 1000, stride: 1 };

/** Where a server takes requests more slowly than they come, the rest of them are not sent. */
const POST_BACKLOG_BYTES = 4 * 2 ** 20;
const CONNECT_MS = 10_000;
const FLUSH_MS = 60_000;
/** Records that the client holds while the broker takes them. */
const QUEUE = 100_000;

/** @typedef {InstanceType<typeof kafka.Producer>} Producer */
/** @type {Map<string, Promise<Producer>>} */
const producers = new Map();

answer({ fill, pace });

/**
 * Writes records as fast as the broker takes them.
 *
 * @param {{ brokers: string, topic: string, records: number, keys: { count: number, stride: number } }} options
 */
async function fill({ brokers, topic, records, keys }) {
  const producer = await producerFor(brokers, { 'linger.ms': 20, 'batch.size': 1_000_000 });
  for (let seq = 0; seq < records; ) {
    try {
      producer.produce(topic, 0, stampedValue(nowMicros(), seq), keyOf(seq, keys));
      seq++;
    } catch (error) {
      if (/** @type {any} */ (error).code !== kafka.CODES.ERRORS.ERR__QUEUE_FULL) throw error;
      await delay(10);
    }
  }
  await new Promise((done, fail) =>
    producer.flush(FLUSH_MS, (error) => (error ? fail(error) : done(null))),
  );
}

/**
 * Writes records in bursts, evenly. What is late is sent at once, with the time it was due.
 *
 * @param {Pace} options
 * @returns {Promise<{ sent: number }>}
 */
async function pace(options) {
  const { rate, burst, seconds } = options;
  const send = await sender(options);
  const begun = nowMicros();
  const bursts = Math.round((rate * seconds) / burst);
  let seq = 0;
  for (let i = 0; i < bursts; i++) {
    const due = begun + (i * burst * 1e6) / rate;
    while (nowMicros() < due) await delay(Math.max(0, (due - nowMicros()) / 1000));
    const now = nowMicros();
    const stamp = now - due > 2000 ? due : now;
    for (let k = 0; k < burst; k++) if (send(stamp, seq)) seq++;
  }
  return { sent: seq };
}

/**
 * @param {Pace} options
 * @returns {Promise<(micros: number, seq: number) => boolean>} says whether it was sent
 */
async function sender({ sink, rate, burst, seconds, json = false, valueBytes, keys = KEYS }) {
  /** @type {(micros: number, seq: number) => Buffer} */
  const makeValue = json ? stampedOrder : (micros, seq) => stampedValue(micros, seq, valueBytes);
  if (sink.kind === 'own') {
    const values = { rate, burst, seconds };
    const url = sink.url.replace(/\{(rate|burst|seconds)\}/g, (_, name) =>
      String(values[/** @type {keyof typeof values} */ (name)]),
    );
    await (await fetch(url, { signal: AbortSignal.timeout(CONNECT_MS) })).arrayBuffer();
    return () => true;
  }
  if (sink.kind === 'post') return poster(sink.url, makeValue);
  const { brokers, topic, partitions } = sink;
  // A burst is to be one fetch, as it is from a producer with the usual settings.
  const producer = await producerFor(brokers, { 'linger.ms': burst > 1 ? 1 : 0 });
  const topics = topic.split(',');
  return (micros, seq) => {
    const name = topics[seq % topics.length] ?? topic;
    const partition = Math.floor(seq / topics.length) % partitions;
    producer.produce(name, partition, makeValue(micros, seq), keyOf(seq, keys));
    return true;
  };
}

/** @param {number} seq @param {{ count: number, stride: number }} keys */
function keyOf(seq, { count, stride }) {
  return `k${(seq * stride) % count}`;
}

/**
 * One connection, without waiting for answers.
 *
 * @param {string} url
 * @param {(micros: number, seq: number) => Buffer} makeValue
 * @returns {Promise<(micros: number, seq: number) => boolean>} says whether it was sent
 */
async function poster(url, makeValue) {
  const { hostname, port, pathname, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  await new Promise((done, fail) => socket.once('connect', done).once('error', fail));
  socket.on('error', () => {}).resume();
  return (micros, seq) => {
    if (socket.writableLength > POST_BACKLOG_BYTES) return false;
    const value = makeValue(micros, seq);
    const head = `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${value.length}\r\n\r\n`;
    socket.write(head + value.toString('latin1'));
    return true;
  };
}

/**
 * @param {string} brokers
 * @param {Record<string, number>} settings
 * @returns {Promise<Producer>}
 */
function producerFor(brokers, settings) {
  const name = JSON.stringify([brokers, settings]);
  const known = producers.get(name);
  if (known !== undefined) return known;
  const producer = new kafka.Producer(
    {
      'metadata.broker.list': brokers,
      'enable.metrics.push': false,
      'queue.buffering.max.messages': QUEUE,
      ...settings,
    },
    { acks: 1 },
  );
  const connected = /** @type {Promise<Producer>} */ (
    new Promise((done, fail) => {
      producer.connect({ timeout: CONNECT_MS }, (error) => (error ? fail(error) : done(producer)));
    })
  );
  producer.setPollInterval(20);
  producers.set(name, connected);
  return connected;
}
