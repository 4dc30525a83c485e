import { describe, expect, test } from '@jest/globals';
import { Authority } from '../support/authority.ts';
import { curl } from '../support/curl.ts';
import { eventually } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { newName, TestKafka, type Topic } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { Scrape } from '../support/scrape.ts';
import {
  type Listener,
  PLAIN_USER,
  type ScramMechanism,
  SecuredKafka,
} from '../support/secured_kafka.ts';
import { shared } from '../support/shared.ts';

type Env = Readonly<Record<string, string>>;

const PASSWORD = 's3cret=,"pass word';
/** Until a gateway tries again it waits up to 5 s, more than once. */
const HEAL_MS = 40_000;
const CASE_MS = 120_000;

const secured = shared(SecuredKafka.start);
const own = shared(async () => new TestKafka(secured().brokers));
const stranger = Authority.create();
const another = Authority.create();

/** The settings for TLS; the authority of the brokers is the second one in its file. */
async function tls(): Promise<Env> {
  const certs = `${(await another).cert}\n${secured().authority.cert}`;
  return { KAFKA_TLS: 'true', KAFKA_CA_FILE: await secured().file('trusted.pem', certs) };
}

function scram(user: string, mechanism: ScramMechanism = 'SCRAM-SHA-256'): Env {
  return { KAFKA_SASL_MECHANISM: mechanism, KAFKA_USERNAME: user, KAFKA_PASSWORD: PASSWORD };
}

async function ownCertificate(by: Authority): Promise<Env> {
  const { cert, key } = await by.issue({ name: 'gateway' });
  const name = newName();
  return {
    KAFKA_CERT_FILE: await secured().file(`${name}.cert`, cert),
    KAFKA_KEY_FILE: await secured().file(`${name}.key`, key),
  };
}

function addressOf(listener: Listener, host = 'localhost'): Env {
  return { KAFKA_BROKERS: `${host}:${secured().relay(listener).port}` };
}

/** A new user of SCRAM and what signs it in; it has no rights yet. */
async function newUser(mechanism: ScramMechanism = 'SCRAM-SHA-256'): Promise<string> {
  const user = newName();
  await secured().setPassword(user, mechanism, PASSWORD);
  return user;
}

/** A new compacted topic that a user may read. */
async function topicFor(user: string): Promise<Topic> {
  const topic = await own().createTopic({ compacted: true });
  await secured().allow(user, topic.name, 'READ', 'DESCRIBE_CONFIGS');
  return topic;
}

/** The lines that tell a trouble. */
function warnings(gateway: Gateway): string[] {
  return gateway.stderr.split('\n').filter((line) => line.includes('"level":"WARN"'));
}

async function untilWell(gateway: Gateway): Promise<void> {
  await eventually(
    () => `the brokers to be read again; the gateway said ${gateway.stderr}`,
    async () => {
      const { ready, brokers } = await gateway.readiness();
      return ready && brokers.up && brokers.error === null;
    },
    HEAL_MS,
  );
}

/** What `/readyz` says of the brokers once it is something like this. */
async function untilTold(gateway: Gateway, words: RegExp): Promise<{ up: boolean }> {
  return eventually(
    () => `/readyz to say ${words}; the gateway said ${gateway.stderr}`,
    async () => {
      const { brokers } = await gateway.readiness();
      return words.test(brokers.error ?? '') && brokers;
    },
    HEAL_MS,
  );
}

/** A way in, and the user as whom Kafka knows who comes there. */
interface Way {
  readonly name: string;
  readonly listener: Listener;
  readonly host?: string;
  readonly user: () => Promise<string>;
  readonly env: (user: string) => Env | Promise<Env>;
}

const plain = {
  user: async () => PLAIN_USER.name,
  env: (): Env => ({
    KAFKA_SASL_MECHANISM: 'PLAIN',
    KAFKA_USERNAME: PLAIN_USER.name,
    KAFKA_PASSWORD: PLAIN_USER.password,
  }),
};

const WAYS: readonly Way[] = [
  { name: 'TLS', listener: 'TLS', user: async () => 'ANONYMOUS', env: tls },
  {
    name: 'TLS to an IP address',
    listener: 'TLS',
    host: '127.0.0.1',
    user: async () => 'ANONYMOUS',
    env: tls,
  },
  {
    name: 'TLS with a certificate of its own',
    listener: 'MTLS',
    user: async () => 'CN=gateway',
    env: async () => ({ ...(await tls()), ...(await ownCertificate(secured().authority)) }),
  },
  { name: 'PLAIN', listener: 'SASL', ...plain },
  { name: 'SCRAM-SHA-256', listener: 'SASL', user: newUser, env: (user) => scram(user) },
  {
    name: 'SCRAM-SHA-512',
    listener: 'SASL',
    user: () => newUser('SCRAM-SHA-512'),
    env: (user) => scram(user, 'SCRAM-SHA-512'),
  },
  {
    name: 'PLAIN over TLS',
    listener: 'SASL_TLS',
    user: plain.user,
    env: async () => ({ ...(await tls()), ...plain.env() }),
  },
  {
    name: 'SCRAM over TLS',
    listener: 'SASL_TLS',
    user: newUser,
    env: async (user) => ({ ...(await tls()), ...scram(user) }),
  },
];

/** Something between gateway and brokers that keeps it from reading until it is mended. */
interface Trouble {
  readonly name: string;
  readonly listener: Listener;
  readonly env: (user: string) => Env | Promise<Env>;
  readonly words: RegExp;
  /** @param user one that has a password and rights */
  readonly begin: (user: string) => Promise<void>;
  readonly mend: (user: string) => Promise<void>;
}

const refused = {
  listener: 'SASL' as const,
  words: /^authentication: .*KAFKA_USERNAME, KAFKA_PASSWORD/,
  mend: (user: string) => secured().setPassword(user, 'SCRAM-SHA-256', PASSWORD),
};

const overTls = {
  listener: 'TLS' as const,
  env: tls,
  mend: () => secured().show('TLS', { name: 'localhost' }),
};

const TROUBLES: readonly Trouble[] = [
  {
    ...refused,
    name: 'another password',
    env: (user) => scram(user),
    begin: (user) => secured().setPassword(user, 'SCRAM-SHA-256', 'another'),
  },
  {
    ...refused,
    name: 'a user that the brokers do not know by SCRAM-SHA-512',
    env: (user) => scram(user, 'SCRAM-SHA-512'),
    begin: async () => {},
    mend: (user) => secured().setPassword(user, 'SCRAM-SHA-512', PASSWORD),
  },
  {
    ...refused,
    name: 'another password over TLS',
    listener: 'SASL_TLS',
    env: async (user) => ({ ...(await tls()), ...scram(user) }),
    begin: (user) => secured().setPassword(user, 'SCRAM-SHA-256', 'another'),
  },
  {
    ...overTls,
    name: 'an authority that is not trusted',
    words: /^certificate: .*KAFKA_CA_FILE/,
    begin: async () => secured().show('TLS', { name: 'localhost' }, await stranger),
  },
  {
    ...overTls,
    name: 'a certificate that has expired',
    words: /^certificate: .*expired/,
    begin: () => secured().show('TLS', { name: 'localhost', expired: true }),
  },
  {
    ...overTls,
    name: 'a certificate for another host',
    words: /^certificate: .*another host.*KAFKA_BROKERS/,
    begin: () => secured().show('TLS', { name: 'elsewhere' }),
  },
  {
    name: 'a certificate of its own that brokers do not trust',
    listener: 'MTLS',
    env: async () => ({ ...(await tls()), ...(await ownCertificate(await stranger)) }),
    words: /^certificate: .*refuse.*KAFKA_CERT_FILE/,
    begin: () => secured().trust('MTLS', secured().authority),
    mend: async () => secured().trust('MTLS', secured().authority, await stranger),
  },
];

/** Settings that do not fit the port. */
const MISFITS: readonly { listener: Listener; env: () => Env | Promise<Env>; words: RegExp }[] = [
  { listener: 'TLS', env: () => ({}), words: /TLS/ },
  { listener: 'SASL', env: () => ({}), words: /KAFKA_SASL_MECHANISM/ },
  { listener: 'SASL', env: tls, words: /KAFKA_TLS/ },
  { listener: 'TLS', env: plain.env, words: /KAFKA_TLS/ },
  { listener: 'MTLS', env: tls, words: /^certificate: .*KAFKA_CERT_FILE and KAFKA_KEY_FILE/ },
];

onEachRuntime((runtime) => {
  describe('brokers that ask for security', () => {
    test.each(WAYS)('are read by $name', async ({ listener, host, user, env }) => {
      const who = await user();
      const topic = await topicFor(who);
      await topic.produce({ key: 'a', value: 'before' });
      await using gateway = await Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { ...(await env(who)), ...addressOf(listener, host) },
      });
      await using stream = await gateway.stream(`/${topic.name}`);
      await stream.untilEvents(1);
      await topic.produce({ key: 'b', value: 'after' });
      const events = await stream.untilEvents(2);
      expect(events.map(({ data }) => data)).toEqual(['before', 'after']);
      expect((await gateway.readiness()).brokers).toEqual({ up: true, error: null });
      expect(warnings(gateway)).toEqual([]);
    });

    test.each(TROUBLES)(
      'are told to refuse it, and read once that is mended: $name',
      async ({ listener, env, words, begin, mend }) => {
        const user = await newUser();
        const topic = await topicFor(user);
        await secured().allow('CN=gateway', topic.name, 'READ', 'DESCRIBE_CONFIGS');
        await topic.produce({ key: 'a', value: 'hello' });
        await begin(user);
        await using gateway = await Gateway.start(runtime, {
          topics: [topic.name],
          env: { ...(await env(user)), ...addressOf(listener), LOG_LEVEL: 'debug' },
        });
        await using stream = await gateway.stream(`/${topic.name}`);
        await gateway.says('Cannot read from Kafka');
        const { status, ready, missing, brokers } = await gateway.readiness();
        expect({ status, ready, up: brokers.up }).toEqual({ status: 503, ready: false, up: false });
        expect(missing).toEqual([expect.stringContaining(topic.name)]);
        expect(brokers.error).toMatch(words);
        expect((await curl(`${gateway.admin}/livez`)).status).toBe(200);
        expect((await Scrape.of(gateway)).value('sse_kafka_broker_up')).toBe(0);

        await mend(user);
        await untilWell(gateway);
        const [event] = await stream.untilEvents(1);
        expect(event!.data).toBe('hello');
        const told = warnings(gateway);
        expect(told).toHaveLength(1);
        expect(told[0]).toContain(JSON.stringify(brokers.error).slice(1, -1));
        await gateway.says('Kafka can be read again');
        expect(gateway.stderr).not.toContain('s3cret');
      },
      CASE_MS,
    );

    test.each(TROUBLES.filter(({ name }) => /^another password$|not trusted$/.test(name)))(
      'are asked again at a growing distance: $name',
      async ({ listener, env, begin, mend }) => {
        const user = await newUser();
        const topic = await topicFor(user);
        await begin(user);
        const { times } = secured().relay(listener);
        const before = times.length;
        await using gateway = await Gateway.start(runtime, {
          topics: [topic.name],
          env: { ...(await env(user)), ...addressOf(listener) },
        });
        const tries = (): number[] => times.slice(before);
        await eventually('six connections', async () => tries().length >= 6, HEAL_MS);
        const distances = tries()
          .slice(1)
          .map((time, at) => time - tries()[at]!);
        expect(distances[4]).toBeGreaterThan(4 * distances[0]!);
        expect(warnings(gateway)).toHaveLength(1);
        await mend(user);
      },
      CASE_MS,
    );

    test.each(TROUBLES.filter(({ name }) => /^another password over TLS|expired/.test(name)))(
      'that refuse those who come back hold up only the records: $name',
      async ({ listener, env, words, begin, mend }) => {
        const user = await newUser();
        const topic = await topicFor(user);
        await using gateway = await Gateway.startReady(runtime, {
          topics: [topic.name],
          env: { ...(await env(user)), ...addressOf(listener) },
        });
        await using stream = await gateway.stream(`/${topic.name}`);
        await topic.produce({ key: 'a', value: 'before' });
        await stream.untilEvents(1);

        await begin(user);
        const relay = secured().relay(listener);
        relay.cut();
        const since = relay.times.length;
        expect((await untilTold(gateway, words)).up).toBe(false);
        expect((await gateway.readiness()).status).toBe(200);
        await topic.produce({ key: 'b', value: 'meanwhile' });
        await eventually('tries', async () => relay.times.length >= since + 8, HEAL_MS);
        const [first, eighth] = [relay.times[since]!, relay.times[since + 7]!];
        // A client that is left alone tries ten times a second.
        expect(eighth - first).toBeGreaterThan(2000);

        await mend(user);
        await untilWell(gateway);
        const events = await stream.untilEvents(2);
        expect(events.map(({ data }) => data)).toEqual(['before', 'meanwhile']);
        expect(warnings(gateway).filter((line) => line.includes('Cannot read'))).toHaveLength(1);
      },
      CASE_MS,
    );

    test.each(MISFITS)(
      'are told not to fit the settings: $words on $listener',
      async ({ listener, env, words }) => {
        await using gateway = await Gateway.start(runtime, {
          topics: [newName()],
          env: { ...(await env()), ...addressOf(listener) },
        });
        await gateway.says('Cannot read from Kafka');
        const { up, error } = (await gateway.readiness()).brokers;
        expect(up).toBe(false);
        expect(error).toMatch(words);
        expect(warnings(gateway)).toHaveLength(1);
      },
    );
  });

  describe('rights on a topic', () => {
    test.each([
      { lacking: 'to read', rights: ['DESCRIBE', 'DESCRIBE_CONFIGS'] as const },
      { lacking: 'to describe', rights: [] },
    ])(
      'that lack $lacking are told, and enough once they are given',
      async ({ rights }) => {
        const user = await newUser();
        const topic = await own().createTopic({ compacted: true });
        const other = await topicFor(user);
        await topic.produce({ key: 'a', value: 'hello' });
        if (rights.length > 0) await secured().allow(user, topic.name, ...rights);
        await using gateway = await Gateway.start(runtime, {
          topics: [topic.name, other.name],
          env: { ...scram(user), ...addressOf('SASL') },
        });
        await using stream = await gateway.stream(`/${topic.name}`);
        await gateway.says('Cannot read from Kafka');
        const { status, missing, brokers } = await gateway.readiness();
        expect({ status, up: brokers.up }).toEqual({ status: 503, up: true });
        expect(missing.join()).toContain(topic.name);
        expect(brokers.error).toMatch(/^authorization: .*READ and DESCRIBE_CONFIGS/);
        expect(brokers.error).toContain(topic.name);
        await other.produce({ key: 'a', value: 'served meanwhile' });
        await using served = await gateway.stream(`/${other.name}`);
        expect((await served.untilEvents(1))[0]!.data).toBe('served meanwhile');
        expect(warnings(gateway)).toHaveLength(1);

        await secured().allow(user, topic.name, 'READ', 'DESCRIBE_CONFIGS');
        await untilWell(gateway);
        expect((await stream.untilEvents(1))[0]!.data).toBe('hello');
        expect(warnings(gateway)).toHaveLength(1);
      },
      CASE_MS,
    );

    test(
      'that are taken away hold up the records until they are given again',
      async () => {
        const user = await newUser();
        const topic = await topicFor(user);
        await using gateway = await Gateway.startReady(runtime, {
          topics: [topic.name],
          env: { ...scram(user), ...addressOf('SASL') },
        });
        await using stream = await gateway.stream(`/${topic.name}`);
        await topic.produce({ key: 'a', value: 'before' });
        await stream.untilEvents(1);

        await secured().forbid(user, topic.name, 'READ');
        expect((await untilTold(gateway, /^authorization: .*READ/)).up).toBe(true);
        await topic.produce({ key: 'b', value: 'meanwhile' });
        await secured().allow(user, topic.name, 'READ');
        await untilWell(gateway);
        const events = await stream.untilEvents(2);
        expect(events.map(({ data }) => data)).toEqual(['before', 'meanwhile']);
      },
      CASE_MS,
    );

    test(
      'that lack DESCRIBE_CONFIGS make a topic count as not compacted, with a warning',
      async () => {
        const user = await newUser();
        const topic = await own().createTopic({ compacted: true });
        await secured().allow(user, topic.name, 'READ');
        await topic.produce({ key: 'a', value: 'old' }, { key: 'a', value: 'new' });
        await using gateway = await Gateway.startReady(runtime, {
          topics: [topic.name],
          env: { ...scram(user), ...addressOf('SASL') },
        });
        await using stream = await gateway.stream(`/${topic.name}`);
        const events = await stream.untilEvents(2);
        expect(events.map(({ data }) => data)).toEqual(['old', 'new']);
        const isCompacted = async (): Promise<boolean> => {
          const { body } = await curl(`${gateway.http}/-/topics`);
          return JSON.parse(`${body}`).topics[0].compacted;
        };
        expect(await isCompacted()).toBe(false);
        expect((await gateway.readiness()).brokers).toEqual({ up: true, error: null });
        expect(warnings(gateway)).toEqual([expect.stringContaining('DESCRIBE_CONFIGS')]);

        await secured().allow(user, topic.name, 'DESCRIBE_CONFIGS');
        await eventually('the policy to be read', isCompacted, 60_000);
        await using late = await gateway.stream(`/${topic.name}`);
        expect((await late.untilEvents(1))[0]!.data).toBe('new');
      },
      CASE_MS,
    );
  });
});
