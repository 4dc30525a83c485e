import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../model/random.ts';
import { eventually, within } from '../support/deadline.ts';
import type { Runtime } from '../support/runtimes.ts';
import { TcpBalancer } from '../support/tcp_balancer.ts';
import { SoakBroker } from './broker.ts';
import { http1 } from './clients/http1.ts';
import { Crowd } from './crowd.ts';
import { Faults } from './faults.ts';
import { SoakIssuer } from './issuer.ts';
import { KafkaTopics, TOPICS, type TopicName } from './kafka_topics.ts';
import type { ProducedTopic } from './produced.ts';
import { type ProducedTopics, Producer } from './producer.ts';
import { Replica } from './replica.ts';
import { type Outcome, slopesOf, sum } from './report.ts';
import { openConnections } from './resources.ts';
import { type FaultKind, planFaults } from './schedule.ts';
import { Strangers, scopeOf } from './strangers.ts';

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
}

/** Of the crowd, so that not all fit into one gateway while the other one is away. */
const ROOM = 0.85;
const SETTINGS = {
  // A minute's records do not fit, so that clients are read to from Kafka, too.
  FEED_MEMORY_MB: '1',
  STALL_SECONDS: '10',
  HEARTBEAT_SECONDS: '5',
  DRAIN_SECONDS: '3',
};
/** Between two keys of the issuer; a short run has some of them, too. */
const KEY_SECONDS = 60;
const KEY_SHARE = 1 / 4;
/** Gateways ask for a new key once in 10 s, and it is shown until the one after the next. */
const MIN_KEY_SECONDS = 20;
/** Those who may not read, as a share of those who may, and at the least. */
const STRANGERS = 0.05;
const MIN_STRANGERS = 10;
/** Before its memory is measured; the whole run where that is shorter than six times this. */
const WARM_SECONDS = 300;
const WARM_SHARE = 1 / 6;
const SAMPLE_MS = 2000;
/** Between two faults, where one took longer than planned. */
const MIN_PAUSE_MS = 1000;
const SETTLE_MS = 500;
/** Clients that were refused come back after 10 to 20 s, and may be refused again. */
const LAST_RECORDS_MS = 300_000;
/** What comes too often may come late. */
const GRACE_MS = 3000;
const LEAVE_MS = 60_000;
/** An answer to a stranger may take long. */
const CALM_MS = 90_000;

/** One run: starts all that it needs, strikes, and judges. @returns its outcome, and who was there */
export async function soak(
  options: SoakOptions,
  say: (line: string) => void,
): Promise<{ outcome: Outcome; crowd: Crowd }> {
  const { runtime, seconds, seed, clients, rate, workers, tokenSeconds } = options;
  await using broker = await SoakBroker.start(process.env['TEST_FOLDER']!);
  const kafka = new KafkaTopics(broker.brokers);
  const topics = await createTopics(kafka);
  const maxConnections = Math.ceil(clients * ROOM);
  const folder = process.env['TEST_FOLDER']!;
  await using issuer = await SoakIssuer.start(folder);
  const env = {
    ...SETTINGS,
    ...issuer.env,
    KAFKA_BROKERS: broker.brokers,
    STREAMS_FILE: await writeStreamsFile(folder),
    MAX_CONNECTIONS: `${maxConnections}`,
    WORKERS: `${workers}`,
  };
  await using first = await Replica.start('gateway 1', runtime, folder, env);
  await using second = await Replica.start('gateway 2', runtime, folder, env);
  const replicas = [first, second];
  await Promise.all(replicas.map((replica) => replica.untilLoaded()));
  await using http = await TcpBalancer.start(replicas.map((replica) => replica.http));
  await using https = await TcpBalancer.start(replicas.map((replica) => replica.https));
  const producer = await Producer.start(broker.producerBrokers, topics, seed, rate);
  const crowd = new Crowd({ size: clients, topics, seed, issuer, tokenSeconds, folder });
  crowd.start({ http: http.port, https: https.port });
  const strangers = new Strangers(issuer, Object.keys(TOPICS));
  const calm = new AbortController();
  const random = new Random(seed);
  const issuing = issuer.comeAndGo(random.fork(), calm.signal);
  const count = Math.max(MIN_STRANGERS, Math.ceil(clients * STRANGERS));
  const trying = strangers.tryAll(count, http1(http.port), seed, calm.signal);
  for (const one of [issuing, trying]) one.catch(() => {}); // It is told when they are waited for.
  say(`${clients} clients, 2 gateways on ${runtime.name}, ${rate} records a second, seed ${seed}`);

  const started = performance.now();
  const elapsed = (): number => (performance.now() - started) / 1000;
  const tell = (text: string, at = elapsed()): void =>
    say(`${at.toFixed(1).padStart(7)} s  ${text}`);
  const warmSeconds = Math.min(WARM_SECONDS, seconds * WARM_SHARE);
  const keySeconds = Math.max(MIN_KEY_SECONDS, Math.min(KEY_SECONDS, seconds * KEY_SHARE));
  const rotating = setInterval(() => void issuer.rotate(), keySeconds * 1000);
  const timers = [
    setInterval(() => crowd.settle(), SETTLE_MS),
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
      balancers: [http, https],
      crowd,
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
      assertWell(producer, crowd);
      const at = elapsed();
      const text = await faults.strike(fault);
      for (const replica of replicas) if (replica.hasEnded) throw new Ended(replica);
      tell(`${fault.kind}: ${text}`, at);
    }
    await delay(Math.max(0, (seconds - elapsed()) * 1000));
    tell('no more faults; the clients read to the end');

    crowd.calm();
    calm.abort();
    clearInterval(rotating);
    await within('the issuer to be back', issuing, CALM_MS);
    await within('the strangers to have done', trying, CALM_MS);
    await producer.stop();
    assertWell(producer, crowd);
    tell('Kafka has the last record');
    const { outages, keys } = issuer.counts;
    const { refused, leaked, unanswered, notes } = strangers;
    tell(
      `the issuer was away ${outages} times and had ${keys} keys; ${refused} strangers refused, ${unanswered} not answered`,
    );
    for (const note of notes) say(`told to a stranger: ${note}`);
    await eventually(
      'the clients to have all',
      async () => crowd.incomplete.length === 0,
      LAST_RECORDS_MS,
    ).catch(() => {
      for (const { description } of crowd.incomplete) say(`lacks something: ${description}`);
    });
    tell(`${crowd.incomplete.length} clients lack something`);
    await delay(GRACE_MS);
    assertWell(producer, crowd);
    for (const subscriber of crowd.subscribers) subscriber.finish();
    if (!(await crowd.end())) say('not all clients left');
    const outcome: Outcome = {
      seed,
      runtime: runtime.name,
      minutes: seconds / 60,
      produced: Object.fromEntries(Object.values(topics).map(({ name, count }) => [name, count])),
      total: sum(crowd.subscribers),
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
    return { outcome, crowd };
  } finally {
    for (const timer of timers) clearInterval(timer);
    calm.abort();
    await crowd.end();
  }
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
function assertWell(producer: Producer, crowd: Crowd): void {
  if (producer.fault !== null) throw producer.fault;
  if (crowd.fault !== null) throw crowd.fault;
}

/** Each topic to those alone who have its own scope. */
async function writeStreamsFile(folder: string): Promise<string> {
  const file = join(folder, 'streams.json');
  const rights = Object.keys(TOPICS).map((name) => {
    return [name, { require: `${JSON.stringify(scopeOf(name))} in scopes` }];
  });
  await writeFile(file, JSON.stringify({ topics: Object.fromEntries(rights) }));
  return file;
}

async function createTopics(kafka: KafkaTopics): Promise<ProducedTopics> {
  const topics: Partial<Record<TopicName, ProducedTopic>> = {};
  for (const [name, plan] of Object.entries(TOPICS)) {
    topics[name as TopicName] = await kafka.create(plan);
  }
  return topics as ProducedTopics;
}
