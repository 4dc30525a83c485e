import type { Authority } from './authority.ts';
import { eventually } from './deadline.ts';
import type { GatewayClient, Readiness } from './gateway_client.ts';
import type { TestKafka, Topic } from './kafka.ts';
import { newName } from './new_name.ts';
import type { Listener, ScramMechanism, SecuredKafka } from './secured_kafka.ts';

/** Settings of a gateway. */
export type Env = Readonly<Record<string, string>>;

/** Of users that sign in by SCRAM. */
export const PASSWORD = 's3cret=,"pass word';

/** So many connections in more than this time are rare: left alone, the client of Node tries ten times a second. */
const RARE_TRIES = 8;
const RARE_MS = 1300;

/** The settings that lead to a listener. */
export function addressOf(secured: SecuredKafka, listener: Listener, host = 'localhost'): Env {
  return { KAFKA_BROKERS: `${host}:${secured.relay(listener).port}` };
}

/** The settings for TLS; the authority of the brokers is the second one in its file. */
export async function tls(secured: SecuredKafka, another: Authority): Promise<Env> {
  const certs = `${another.cert}\n${secured.authority.cert}`;
  return { KAFKA_TLS: 'true', KAFKA_CA_FILE: await secured.file('trusted.pem', certs) };
}

/** The settings for a certificate of the gateway's own. */
export async function ownCertificate(secured: SecuredKafka, by: Authority): Promise<Env> {
  const { cert, key } = await by.issue({ name: 'gateway' });
  return {
    KAFKA_CERT_FILE: await secured.file('cert', cert),
    KAFKA_KEY_FILE: await secured.file('key', key),
  };
}

export function scram(user: string, mechanism: ScramMechanism = 'SCRAM-SHA-256'): Env {
  return { KAFKA_SASL_MECHANISM: mechanism, KAFKA_USERNAME: user, KAFKA_PASSWORD: PASSWORD };
}

/** A new user of SCRAM, without any rights. */
export async function newUser(
  secured: SecuredKafka,
  mechanism: ScramMechanism = 'SCRAM-SHA-256',
): Promise<string> {
  const user = newName();
  await secured.setPassword(user, mechanism, PASSWORD);
  return user;
}

/** A new compacted topic that these users may read. */
export async function topicFor(
  secured: SecuredKafka,
  kafka: TestKafka,
  ...users: readonly string[]
): Promise<Topic> {
  const topic = await kafka.createTopic({ compacted: true });
  for (const user of users) await secured.allow(user, topic.name, 'READ', 'DESCRIBE_CONFIGS');
  return topic;
}

/** The lines that tell a trouble. */
export function warnings({ stderr }: { readonly stderr: string }): string[] {
  return stderr.split('\n').filter((line) => line.includes('"level":"WARN"'));
}

export function untilWell(gateway: GatewayClient): Promise<Readiness> {
  return untilSays(
    gateway,
    'the brokers to be well',
    ({ ready, brokers }) => ready && brokers.up && brokers.error === null,
  );
}

/** What `/readyz` says once its words of the brokers are like these. */
export function untilTold(gateway: GatewayClient, words: RegExp): Promise<Readiness> {
  return untilSays(gateway, String(words), ({ brokers }) => words.test(brokers.error ?? ''));
}

/** The same, once none of them answers any more: one that refuses may be told of first. */
export function untilDown(gateway: GatewayClient, words: RegExp): Promise<Readiness> {
  return untilSays(
    gateway,
    `that all are down, ${words}`,
    ({ brokers }) => !brokers.up && words.test(brokers.error ?? ''),
  );
}

function untilSays(
  gateway: GatewayClient,
  what: string,
  look: (readiness: Readiness) => boolean,
): Promise<Readiness> {
  return eventually(
    () => `/readyz to tell ${what}${gateway.told}`,
    async () => {
      const readiness = await gateway.readiness();
      return look(readiness) && readiness;
    },
  );
}

/** Waits until connections to a listener come no more often than six a second, as counted from `from` on. */
export async function untilRareTries(
  secured: SecuredKafka,
  listener: Listener,
  from: number,
): Promise<void> {
  const isRare = async (): Promise<boolean> => {
    const last = secured.relay(listener).times.slice(from).slice(-RARE_TRIES);
    return last.length === RARE_TRIES && last.at(-1)! - last[0]! > RARE_MS;
  };
  await eventually(`${RARE_TRIES} connections in more than ${RARE_MS} ms`, isRare);
}
