import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../model/random.ts';
import { eventually, within } from '../support/deadline.ts';
import type { Runtime } from '../support/runtimes.ts';
import { Balancers } from './balancers.ts';
import { SoakBroker } from './broker.ts';
import { http1 } from './clients/http1.ts';
import { Crowds } from './crowds.ts';
import { Faults } from './faults.ts';
import { SoakIssuer } from './issuer.ts';
import {
  KafkaTopics,
  newAccounts,
  type ProducedTopics,
  TOPICS,
  type TopicName,
} from './kafka_topics.ts';
import { Producer } from './producer.ts';
import { SoakRegistry } from './registry.ts';
import { Replica } from './replica.ts';
import { type Outcome, slopesOf, sum } from './report.ts';
import { openConnections } from './resources.ts';
import { type FaultKind, planFaults } from './schedule.ts';
import { Strangers, scopeOf } from './strangers.ts';
import type { Row } from './subscriber.ts';

export interface SoakOptions {
  readonly runtime: Runtime;
  readonly seconds: number;
  readonly seed: number;
  readonly clients: number;
  /** Records a second, of all topics together. */
  readonly rate: number;
  /** Default: all. */
  readonly faults: readonly FaultKind[];
  /** Seconds between two of them, at most. */
  readonly pause: number;
  /** Processes of a gateway that share its ports; on Node alone. */
  readonly workers: number;
  /** How long the tokens of a client count: one of these. */
  readonly tokenSeconds: readonly number[];
  /** Whether there is a topic whose values are read by a schema registry, which comes and goes. */
  readonly hasRegistry: boolean;
}

/** Of the crowd, so that not all fit into one gateway while the other one is away. */
const ROOM = 0.85;
const SETTINGS = {
  // A minute's records do not fit, so that clients are read to from Kafka, too.
  FEED_MEMORY_MB: '1',
  STALL_SECONDS: '10',
  HEARTBEAT_SECONDS: '5',
  // Those who ask for it: EventSource and what reads by fetch or httpx.
  COMPRESSION: 'gzip',
  DRAIN_SECONDS: '3',
};
/** Between two keys of the issuer; a short run has some of them, too. */
const KEY_SECONDS = 60;
const KEY_SHARE = 1 / 4;
/** Gateways ask for a new key once in 10 s, and it is shown until the one after the next. */
const MIN_KEY_SECONDS = 20;
/** Those who may not read. */
const STRANGERS = 10;
/** Before its memory is measured; the whole run where that is shorter than six times this. */
const WARM_SECONDS = 300;
const WARM_SHARE = 1 / 6;
const SAMPLE_MS = 2000;
/** Between two faults, where one took longer than planned. */
const MIN_PAUSE_MS = 1000;
/** The registry starts in some 12 s, and in a minute where machines have much else to do. */
const REGISTRY_WAIT_SECONDS = '300';
/** Clients that were refused come back after 10 to 20 s, and may be refused again. */
const LAST_RECORDS_MS = 300_000;
/** What comes too often may come late. */
const GRACE_MS = 3000;
const LEAVE_MS = 60_000;
/** An answer to a stranger may take long. */
const CALM_MS = 90_000;
/** Java takes its time where machines have much else to do. */
const REGISTRY_MS = 200_000;

/** One run: starts all that it needs, strikes, and judges. @returns its outcome, and who was there */
export async function soak(
  options: SoakOptions,
  say: (line: string) => void,
): Promise<{ outcome: Outcome; clients: readonly Row[] }> {
  const { runtime, seconds, seed, clients, rate, workers, tokenSeconds } = options;
  await using broker = await SoakBroker.start(process.env['TEST_FOLDER']!);
  const kafka = new KafkaTopics(broker.brokers);
  const topics = newAccounts(options.hasRegistry);
  for (const { name } of Object.values(topics)) await kafka.create(TOPICS[name as TopicName]);
  const maxConnections = Math.ceil(clients * ROOM);
  const folder = process.env['TEST_FOLDER']!;
  await using issuer = await SoakIssuer.start(folder);
  await using registry = options.hasRegistry ? await SoakRegistry.start(folder) : null;
  const env = {
    ...SETTINGS,
    ...issuer.env,
    ...(registry === null ? {} : { REGISTRY_URL: registry.url, REGISTRY_WAIT_SECONDS }),
    KAFKA_BROKERS: broker.brokers,
    STREAMS_FILE: await writeStreamsFile(folder, topics),
    MAX_CONNECTIONS: `${maxConnections}`,
    WORKERS: `${workers}`,
  };
  await using first = await Replica.start('gateway 1', runtime, folder, env);
  await using second = await Replica.start('gateway 2', runtime, folder, env);
  const replicas = [first, second];
  await Promise.all(replicas.map((replica) => replica.untilLoaded()));
  await using balancers = await Balancers.start(replicas);
  const { http, https } = balancers;
  const start = { size: clients, seed, tokenSeconds, folder, entrance: { http, https } };
  // Before the first record, so that they are told of it.
  const crowds = Crowds.start(start, topics, issuer);
  const producer = await Producer.start(broker.producerBrokers, topics, registry, seed, rate);
  const strangers = new Strangers(issuer, Object.keys(topics));
  const calm = new AbortController();
  const random = new Random(seed);
  const issuing = issuer.comeAndGo(random.fork(), calm.signal);
  const registering = registry?.comeAndGo(random.fork(), calm.signal) ?? Promise.resolve();
  const trying = strangers.tryAll(STRANGERS, http1(http), seed, calm.signal);
  for (const one of [issuing, registering, trying]) one.catch(() => {}); // It is told when they are waited for.
  say(`${clients} clients, 2 gateways on ${runtime.name}, ${rate} records a second, seed ${seed}`);

  const started = performance.now();
  const elapsed = (): number => (performance.now() - started) / 1000;
  const tell = (text: string, at = elapsed()): void =>
    say(`${at.toFixed(1).padStart(7)} s  ${text}`);
  const warmSeconds = Math.min(WARM_SECONDS, seconds * WARM_SHARE);
  const keySeconds = Math.max(MIN_KEY_SECONDS, Math.min(KEY_SECONDS, seconds * KEY_SHARE));
  const rotating = setInterval(() => void issuer.rotate(), keySeconds * 1000);
  const timers = [
    rotating,
    setInterval(() => {
      if (elapsed() > seconds) return;
      for (const { uses } of replicas) uses.at(-1)!.sample(elapsed() / 60);
    }, SAMPLE_MS),
  ];
  try {
    const faults = new Faults({
      broker,
      kafka,
      topics,
      producer,
      replicas,
      balancers,
      crowds,
      issuer,
      maxConnections,
      // The second one lives on, so that its memory can be measured.
      mortals: () => (elapsed() < warmSeconds ? replicas : [first]),
    });
    for (const [number, fault] of planFaults(
      seed,
      seconds,
      options.faults,
      options.pause,
    ).entries()) {
      // On a slow machine they take longer than planned: each kind has its turn, the rest is left.
      if (elapsed() > seconds && number >= options.faults.length) break;
      await delay(Math.max(MIN_PAUSE_MS, fault.at * 1000 - elapsed() * 1000));
      await assertWell(producer, crowds);
      const at = elapsed();
      const text = await faults.strike(fault);
      for (const replica of replicas) if (replica.hasEnded) throw new Ended(replica);
      tell(`${fault.kind}: ${text}`, at);
    }
    await delay(Math.max(0, (seconds - elapsed()) * 1000));
    tell('no more faults; the clients read to the end');

    await crowds.ask('calm');
    calm.abort();
    clearInterval(rotating);
    await within('the issuer to be back', issuing, CALM_MS);
    await within('the registry to be back', registering, REGISTRY_MS);
    await within('the strangers to have done', trying, CALM_MS);
    await producer.stop();
    await assertWell(producer, crowds);
    tell('Kafka has the last record');
    const { outages, keys } = issuer.counts;
    const { refused, leaked, unanswered, notes } = strangers;
    tell(
      `the issuer was away ${outages} times and had ${keys} keys; ${refused} strangers refused, ${unanswered} not answered`,
    );
    for (const note of notes) say(`told to a stranger: ${note}`);
    if (registry !== null) tell(registryText(registry, elapsed()));
    let { incomplete } = await crowds.ask('what is missing');
    const none = async (): Promise<boolean> => {
      ({ incomplete } = await crowds.ask('what is missing'));
      if (crowds.fault !== null) throw new Error(`clients: ${crowds.fault}`);
      return incomplete.length === 0;
    };
    await eventually('the clients to have all', none, LAST_RECORDS_MS).catch(() => {});
    for (const description of incomplete) say(`lacks something: ${description}`);
    tell(`${incomplete.length} clients lack something`);
    await delay(GRACE_MS);
    await assertWell(producer, crowds);
    const { rows, hasLeft } = await crowds.ask('end');
    if (!hasLeft) say('not all clients left');
    crowds.end();
    const filtered = rows.filter(({ isFiltered }) => isFiltered);
    const outcome: Outcome = {
      seed,
      runtime: runtime.name,
      minutes: seconds / 60,
      produced: Object.fromEntries(Object.values(topics).map(({ name, count }) => [name, count])),
      total: sum(rows),
      filtered: { clients: filtered.length, delivered: sum(filtered).delivered },
      strangers: { refused, leaked },
      streamsEnded: faults.streamsEnded,
      badEnds: faults.badEnds,
      connectionsLeft: await connectionsLeft(replicas),
      processes: slopesOf(
        replicas.flatMap(({ uses }) => uses),
        warmSeconds / 60,
        seconds / 60,
      ),
      endings: await endingsOf(replicas),
    };
    return { outcome, clients: rows };
  } finally {
    for (const timer of timers) clearInterval(timer);
    calm.abort();
    crowds.end();
  }
}

function registryText({ counts }: SoakRegistry, seconds: number): string {
  const { outages, awayMs, schemas } = counts;
  const share = Math.round(awayMs / 10 / seconds);
  return `the registry was killed ${outages} times, was away ${share} % of the time, and records had ${schemas} schemas`;
}

/** Client connections that gateways still hold some time after all clients have left. */
async function connectionsLeft(replicas: readonly Replica[]): Promise<number> {
  const ports = replicas.flatMap(({ http, https }) => [http, https]);
  let count = 0;
  const none = async (): Promise<boolean> => {
    count = await openConnections(ports);
    return count === 0;
  };
  await eventually('connections to be closed', none, LEAVE_MS).catch(() => {});
  return count;
}

async function endingsOf(replicas: readonly Replica[]): Promise<Outcome['endings']> {
  const all = replicas.map(async (replica) => {
    const endings = await replica.endings();
    return [replica.name, Object.fromEntries(endings ?? [])] as const;
  });
  return Object.fromEntries(await Promise.all(all));
}

class Ended extends Error {
  constructor({ name, log }: Replica) {
    super(`${name} ended by itself; its last words: ${log.slice(-2000)}`);
  }
}

/** @throws where the account or a client cannot go on: then nothing can be judged. */
async function assertWell(producer: Producer, crowds: Crowds): Promise<void> {
  if (producer.fault !== null) throw producer.fault;
  await crowds.ask();
  if (crowds.fault !== null) throw new Error(`clients: ${crowds.fault}`);
}

/** Each topic to those alone who have its own scope. */
async function writeStreamsFile(folder: string, topics: ProducedTopics): Promise<string> {
  const file = join(folder, 'streams.json');
  const definitions = Object.keys(topics).map((name) => {
    const require = `${JSON.stringify(scopeOf(name))} in scopes`;
    return [name, { require, ...(name === TOPICS.typed.name ? { value: 'registry' } : {}) }];
  });
  await writeFile(file, JSON.stringify({ topics: Object.fromEntries(definitions) }));
  return file;
}
