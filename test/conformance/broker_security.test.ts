import { describe, expect, test } from '@jest/globals';
import { Authority } from '../support/authority.ts';
import {
  addressOf,
  CASE_MS,
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
  untilTried,
  untilWell,
  warnings,
} from '../support/broker_access.ts';
import { curl } from '../support/curl.ts';
import { Gateway } from '../support/gateway.ts';
import { TestKafka } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { Scrape } from '../support/scrape.ts';
import { type Listener, PLAIN_USER, SecuredKafka } from '../support/secured_kafka.ts';
import { shared } from '../support/shared.ts';

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
const EACH_TROUBLE = Object.keys(TROUBLES) as TroubleName[];

/** Settings that do not fit a listener. */
const MISFITS: readonly { listener: Listener; env: () => Promise<Env>; words: RegExp }[] = [
  { listener: 'TLS', env: async () => ({}), words: /TLS/ },
  { listener: 'SASL', env: async () => ({}), words: /KAFKA_SASL_MECHANISM/ },
  { listener: 'SASL', env: overTls, words: /KAFKA_TLS/ },
  { listener: 'TLS', env: async () => plain, words: /KAFKA_TLS/ },
  { listener: 'MTLS', env: overTls, words: /^certificate: .*KAFKA_CERT_FILE and KAFKA_KEY_FILE/ },
];

onEachRuntime((runtime) => {
  describe('brokers that ask for security', () => {
    test.each(WAYS)('are read by $name', async ({ listener, host, user, env }) => {
      const who = await user();
      const topic = await topicFor(secured(), kafka(), who);
      await topic.produce({ key: 'a', value: 'before' });
      await using gateway = await Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { ...(await env(who)), ...addressOf(secured(), listener, host) },
      });
      await using stream = await gateway.stream(`/${topic.name}`);
      await stream.untilEvents(1);
      await topic.produce({ key: 'b', value: 'after' });
      const events = await stream.untilEvents(2);
      expect(events.map(({ data }) => data)).toEqual(['before', 'after']);
      expect((await gateway.readiness()).brokers).toEqual({ up: true, error: null });
      expect(warnings(gateway)).toEqual([]);
    });

    test.each(EACH_TROUBLE)(
      'are told once not to be usable, and read once that is mended: %s',
      async (name) => {
        const { listener, env, words, begin, mend }: Trouble = TROUBLES[name];
        const user = await newUser(secured());
        const topic = await topicFor(secured(), kafka(), user, 'CN=gateway');
        await topic.produce({ key: 'a', value: 'hello' });
        await begin(user);
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

        await mend(user);
        await untilWell(gateway);
        expect((await stream.untilEvents(1))[0]!.data).toBe('hello');
        await gateway.says('Kafka can be read again');
        expect(warnings(gateway).filter((line) => line.includes(brokers.error!))).toHaveLength(1);
        // Brokers may close a connection before they have said why.
        expect(warnings(gateway).length).toBeLessThanOrEqual(2);
        expect(gateway.stderr).not.toContain('s3cret');
      },
      CASE_MS,
    );

    test.each<TroubleName>(['another password', 'an authority that is not trusted'])(
      'are asked again at a growing distance: %s',
      async (name) => {
        const { listener, env, begin, mend }: Trouble = TROUBLES[name];
        const user = await newUser(secured());
        const topic = await topicFor(secured(), kafka(), user);
        await begin(user);
        const from = secured().relay(listener).times.length;
        await using _gateway = await Gateway.start(runtime, {
          topics: [topic.name],
          env: { ...(await env(user)), ...addressOf(secured(), listener) },
        });
        const tries = await untilTried(secured(), listener, from, 8);
        await mend(user);
        // Left alone, the client of Node tries ten times a second. A slow machine only adds to it.
        expect(tries[7]! - tries[5]!).toBeGreaterThan(900);
      },
      CASE_MS,
    );

    test.each<TroubleName>(['another password over TLS', 'a certificate that has expired'])(
      'that refuse a gateway which comes back hold up only the records: %s',
      async (name) => {
        const { listener, env, words, begin, mend }: Trouble = TROUBLES[name];
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
      CASE_MS,
    );

    test.each(MISFITS)(
      'are told not to fit the settings: $words on $listener',
      async ({ listener, env, words }) => {
        await using gateway = await Gateway.start(runtime, {
          topics: [newName()],
          env: { ...(await env()), ...addressOf(secured(), listener) },
        });
        const { brokers } = await untilTold(gateway, words);
        expect(brokers.up).toBe(false);
        expect(warnings(gateway).filter((line) => line.includes(brokers.error!))).toHaveLength(1);
      },
    );
  });
});
