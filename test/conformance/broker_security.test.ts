import { afterAll, beforeAll, expect } from '@jest/globals';
import type { BrokerStatus } from '../../app/ports/source.ts';
import { Authority } from '../support/authority.ts';
import {
  addressOf,
  type Env,
  newUser,
  ownCertificate,
  PASSWORD,
  scram,
  tls,
  topicFor,
  untilDown,
  untilRareTries,
  untilTold,
  untilWell,
  warnings,
} from '../support/broker_access.ts';
import { curl } from '../support/curl.ts';
import { eventually } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { TestKafka } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { RUNTIMES, type Runtime } from '../support/runtimes.ts';
import { Scrape } from '../support/scrape.ts';
import { type Listener, PLAIN_USER, SecuredKafka } from '../support/secured_kafka.ts';
import { shared } from '../support/shared.ts';
import { type Meet, testSideBySide } from '../support/side_by_side.ts';
import {
  type OpenedSource,
  SOURCES,
  SourceProcess,
  type SourceRuntime,
} from '../support/source_process.ts';
import { IS_ALL } from '../support/tier.ts';

const secured = shared(SecuredKafka.start);
const kafka = shared(async () => new TestKafka(secured().brokers));
/** Signs for the gateway and the brokers where they shall not be trusted. */
const stranger = Authority.create();
const another = Authority.create();

const overTls = async (): Promise<Env> => tls(secured(), await another);
const plain: Env = {
  KAFKA_SASL_MECHANISM: 'PLAIN',
  KAFKA_USERNAME: PLAIN_USER.name,
  KAFKA_PASSWORD: PLAIN_USER.password,
};

/** A way in, and the user as whom Kafka knows who comes there. */
interface Way {
  readonly name: string;
  readonly listener: Listener;
  readonly host?: string;
  readonly user: () => Promise<string>;
  readonly env: (user: string) => Promise<Env>;
}

const WAYS: readonly Way[] = [
  { name: 'TLS', listener: 'TLS', user: async () => 'ANONYMOUS', env: overTls },
  {
    name: 'TLS to an IP address',
    listener: 'TLS',
    host: '127.0.0.1',
    user: async () => 'ANONYMOUS',
    env: overTls,
  },
  {
    name: 'TLS with a certificate of its own',
    listener: 'MTLS',
    user: async () => 'CN=gateway',
    env: async () => ({
      ...(await overTls()),
      ...(await ownCertificate(secured(), secured().authority)),
    }),
  },
  { name: 'PLAIN', listener: 'SASL', user: async () => PLAIN_USER.name, env: async () => plain },
  {
    name: 'SCRAM-SHA-256',
    listener: 'SASL',
    user: () => newUser(secured()),
    env: async (user) => scram(user),
  },
  {
    name: 'SCRAM-SHA-512',
    listener: 'SASL',
    user: () => newUser(secured(), 'SCRAM-SHA-512'),
    env: async (user) => scram(user, 'SCRAM-SHA-512'),
  },
  {
    name: 'PLAIN over TLS',
    listener: 'SASL_TLS',
    user: async () => PLAIN_USER.name,
    env: async () => ({ ...(await overTls()), ...plain }),
  },
  {
    name: 'SCRAM over TLS',
    listener: 'SASL_TLS',
    user: () => newUser(secured()),
    env: async (user) => ({ ...(await overTls()), ...scram(user) }),
  },
];

/** Something that keeps a gateway from reading until it is mended on the brokers. */
interface Trouble {
  readonly listener: Listener;
  /** @param user one that has a password and rights */
  readonly env: (user: string) => Promise<Env>;
  readonly words: RegExp;
  readonly begin: (user: string) => Promise<void>;
  readonly mend: (user: string) => Promise<void>;
}

const otherPassword = {
  words: /^authentication: .*KAFKA_USERNAME, KAFKA_PASSWORD/,
  begin: (user: string) => secured().setPassword(user, 'SCRAM-SHA-256', 'another'),
  mend: (user: string) => secured().setPassword(user, 'SCRAM-SHA-256', PASSWORD),
};

const otherCertificate = {
  listener: 'TLS' as const,
  env: overTls,
  mend: () => secured().show('TLS', { name: 'localhost' }),
};

const TROUBLES = {
  'another password': { ...otherPassword, listener: 'SASL', env: async (user) => scram(user) },
  'another password over TLS': {
    ...otherPassword,
    listener: 'SASL_TLS',
    env: async (user) => ({ ...(await overTls()), ...scram(user) }),
  },
  'a user that is not known by this mechanism': {
    listener: 'SASL',
    env: async (user) => scram(user, 'SCRAM-SHA-512'),
    words: otherPassword.words,
    begin: async () => {},
    mend: (user) => secured().setPassword(user, 'SCRAM-SHA-512', PASSWORD),
  },
  'an authority that is not trusted': {
    ...otherCertificate,
    words: /^certificate: .*KAFKA_CA_FILE/,
    begin: async () => secured().show('TLS', { name: 'localhost' }, await stranger),
  },
  'a certificate that has expired': {
    ...otherCertificate,
    words: /^certificate: .*expired/,
    begin: () => secured().show('TLS', { name: 'localhost', expired: true }),
  },
  'a certificate for another host': {
    ...otherCertificate,
    words: /^certificate: .*another host.*KAFKA_BROKERS/,
    begin: () => secured().show('TLS', { name: 'elsewhere' }),
  },
  'a certificate of its own that brokers do not trust': {
    listener: 'MTLS',
    env: async () => ({
      ...(await overTls()),
      ...(await ownCertificate(secured(), await stranger)),
    }),
    words: /^certificate: .*refuse.*KAFKA_CERT_FILE/,
    begin: () => secured().trust('MTLS', secured().authority),
    mend: async () => secured().trust('MTLS', secured().authority, await stranger),
  },
} satisfies Record<string, Trouble>;

type TroubleName = keyof typeof TROUBLES;

/** Settings that do not fit a listener. */
const MISFITS: readonly { listener: Listener; env: () => Promise<Env>; words: RegExp }[] = [
  { listener: 'TLS', env: async () => ({}), words: /TLS/ },
  { listener: 'SASL', env: async () => ({}), words: /KAFKA_SASL_MECHANISM/ },
  { listener: 'SASL', env: overTls, words: /KAFKA_TLS/ },
  { listener: 'TLS', env: async () => plain, words: /KAFKA_TLS/ },
  { listener: 'MTLS', env: overTls, words: /^certificate: .*KAFKA_CERT_FILE and KAFKA_KEY_FILE/ },
];

/** One process a runtime, in which each case opens a source with settings of its own. */
const processes = new Map<string, SourceProcess>();
beforeAll(async () => {
  for (const runtime of SOURCES) {
    const started = await SourceProcess.start(runtime, secured().brokers, 'debug');
    processes.set(runtime.name, started);
  }
});
afterAll(async () => {
  for (const one of processes.values()) await one[Symbol.asyncDispose]();
});

/** A source, and what its process has said since it was opened. */
class Case implements AsyncDisposable {
  readonly source: OpenedSource;
  readonly #process: SourceProcess;
  readonly #from: number;

  static async open({ name }: SourceRuntime, env: Env): Promise<Case> {
    const process = processes.get(name)!;
    return new Case(process, process.stderr.length, await process.open(env));
  }

  private constructor(process: SourceProcess, from: number, source: OpenedSource) {
    this.#process = process;
    this.#from = from;
    this.source = source;
  }

  get stderr(): string {
    return this.#process.stderr.slice(this.#from);
  }

  /** Waits for a status. */
  until(what: string, look: (status: BrokerStatus) => boolean): Promise<BrokerStatus> {
    const ask = async (): Promise<BrokerStatus | false> => {
      const status = await this.source.status();
      return look(status) && status;
    };
    return eventually(() => `${what}; the source said ${this.stderr}`, ask);
  }

  untilTold(words: RegExp): Promise<BrokerStatus> {
    return this.until(String(words), ({ error }) => words.test(error ?? ''));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.source[Symbol.asyncDispose]();
  }
}

/** A case of the sources, which make the whole difference that a way in makes. */
function testSources(
  title: string,
  run: (runtime: SourceRuntime, meet: Meet) => Promise<void>,
): void {
  testSideBySide(SOURCES, `brokers that ask for security ${title}`, run);
}

/**
 * Cases of a whole gateway, of which the one runtime has the one trouble and the other the other, and
 * in `npm run test:all` the other way round, too: connections to a listener are counted. Sources have
 * each trouble on both.
 */
function testGateways(
  troubles: readonly [TroubleName, TroubleName],
  title: string,
  run: (runtime: Runtime, trouble: Trouble) => Promise<void>,
): void {
  for (const turn of IS_ALL ? [0, 1] : [0]) {
    const nameOn = (runtime: Runtime): TroubleName =>
      troubles[(RUNTIMES.indexOf(runtime) + turn) % 2]!;
    const names = RUNTIMES.map((runtime) => `${nameOn(runtime)} on ${runtime.name}`).join(', ');
    testSideBySide(RUNTIMES, `brokers that ask for security ${title}: ${names}`, (runtime) =>
      run(runtime, TROUBLES[nameOn(runtime)]),
    );
  }
}

for (const { name, listener, host, user, env } of WAYS) {
  testSources(`are read by ${name}`, async (runtime) => {
    const who = await user();
    const topic = await topicFor(secured(), kafka(), who);
    await topic.produce({ key: 'a', value: 'before' });
    await using way = await Case.open(runtime, {
      ...(await env(who)),
      ...addressOf(secured(), listener, host),
    });
    const { source } = way;
    expect(await source.describe(topic.name)).toMatchObject({ id: topic.id, compacted: true });
    expect(await source.offsets(topic, [0], 'latest')).toEqual({ 0: 1 });
    await using read = await source.read(topic);
    await read.untilAt({ 0: 1 });
    await topic.produce({ key: 'b', value: 'after' });
    await read.untilAt({ 0: 2 });
    expect(read.values).toEqual(['before', 'after']);
    expect(await source.status()).toEqual({ up: true, error: null });
    expect(warnings(way)).toEqual([]);
  });
}

for (const [name, trouble] of Object.entries<Trouble>(TROUBLES)) {
  const { listener, env, words, begin, mend } = trouble;
  testSources(
    `are told once not to be usable, and read once that is mended: ${name}`,
    async (runtime, meet) => {
      const user = await meet(() => newUser(secured()));
      const topic = await topicFor(secured(), kafka(), user, 'CN=gateway');
      await topic.produce({ key: 'a', value: 'hello' });
      await meet(() => begin(user));
      await using way = await Case.open(runtime, {
        ...(await env(user)),
        ...addressOf(secured(), listener),
      });
      const { source } = way;
      await using read = await source.read(topic);
      await expect(source.describe(topic.name)).rejects.toThrow(/\w/);
      const { up, error } = await way.untilTold(words);
      expect(up).toBe(false);

      await meet(() => mend(user));
      await read.untilAt({ 0: 1 });
      expect(read.values).toEqual(['hello']);
      expect(await source.describe(topic.name)).toMatchObject({ id: topic.id });
      await way.until('the brokers to be well', ({ up, error }) => up && error === null);
      await way.until('the end to be told', () => way.stderr.includes('Kafka can be read again'));
      expect(warnings(way).filter((line) => line.includes(error!))).toHaveLength(1);
      // Brokers may close a connection before they have said why.
      expect(warnings(way).length).toBeLessThanOrEqual(2);
      expect(way.stderr).not.toContain('s3cret');
    },
  );
}

for (const { listener, env, words } of MISFITS) {
  testSources(`are told not to fit the settings: ${words} on ${listener}`, async (runtime) => {
    await using way = await Case.open(runtime, {
      ...(await env()),
      ...addressOf(secured(), listener),
    });
    await expect(way.source.describe(newName())).rejects.toThrow(/\w/);
    const { up, error } = await way.untilTold(words);
    expect(up).toBe(false);
    const told = (): string[] => warnings(way).filter((line) => line.includes(error!));
    await way.until('a warning', () => told().length > 0);
    expect(told()).toHaveLength(1);
  });
}

testGateways(
  ['another password', 'an authority that is not trusted'],
  'are told once, asked again at a growing distance, and read once that is mended',
  async (runtime, { listener, env, words, begin, mend }) => {
    const user = await newUser(secured());
    const topic = await topicFor(secured(), kafka(), user);
    await topic.produce({ key: 'a', value: 'hello' });
    await begin(user);
    const from = secured().relay(listener).times.length;
    await using gateway = await Gateway.start(runtime, {
      topics: [topic.name],
      env: { ...(await env(user)), ...addressOf(secured(), listener), LOG_LEVEL: 'debug' },
    });
    await using stream = await gateway.stream(`/${topic.name}`);
    const { status, missing, brokers } = await untilTold(gateway, words);
    expect({ status, up: brokers.up }).toEqual({ status: 503, up: false });
    expect(missing).toEqual([expect.stringContaining(topic.name)]);
    expect((await curl(`${gateway.admin}/livez`)).status).toBe(200);
    expect((await Scrape.of(gateway)).value('sse_kafka_broker_up')).toBe(0);
    await untilRareTries(secured(), listener, from);

    await mend(user);
    await untilWell(gateway);
    expect((await stream.untilEvents(1))[0]!.data).toBe('hello');
    await gateway.says('Kafka can be read again');
    expect(warnings(gateway).filter((line) => line.includes(brokers.error!))).toHaveLength(1);
    // Brokers may close a connection before they have said why.
    expect(warnings(gateway).length).toBeLessThanOrEqual(2);
    expect(gateway.stderr).not.toContain('s3cret');
  },
);

testGateways(
  ['another password over TLS', 'a certificate that has expired'],
  'and refuse a gateway which comes back hold up only the records',
  async (runtime, { listener, env, words, begin, mend }) => {
    const user = await newUser(secured());
    const topic = await topicFor(secured(), kafka(), user);
    await using gateway = await Gateway.startReady(runtime, {
      topics: [topic.name],
      env: { ...(await env(user)), ...addressOf(secured(), listener) },
    });
    await using stream = await gateway.stream(`/${topic.name}`);
    await topic.produce({ key: 'a', value: 'before' });
    await stream.untilEvents(1);

    await begin(user);
    const relay = secured().relay(listener);
    relay.cut();
    const { status } = await untilDown(gateway, words);
    expect(status).toBe(200);
    await topic.produce({ key: 'b', value: 'meanwhile' });
    try {
      // All who ask try at once, and then at a growing distance. Left alone, the client of Node
      // tries ten times a second.
      await untilRareTries(secured(), listener, relay.times.length);
    } finally {
      await mend(user);
    }
    await untilWell(gateway);
    const events = await stream.untilEvents(2);
    expect(events.map(({ data }) => data)).toEqual(['before', 'meanwhile']);
    expect(warnings(gateway).length).toBeLessThan(5);
  },
);
