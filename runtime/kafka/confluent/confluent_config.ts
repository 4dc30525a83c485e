import { rootCertificates } from 'node:tls';
import type kafka from '@confluentinc/kafka-javascript';
import { BrokerOrder } from '../brokers/broker_order.ts';
import {
  CLIENT_ID,
  type KafkaConnection,
  REQUEST_TIMEOUT_MS,
} from '../brokers/kafka_connection.ts';
import type { Token } from '../tokens/token_source.ts';

/** What a consumer has beside it. */
export const CONSUMER_CONFIG: kafka.ConsumerGlobalConfig = {
  // Mandatory, and never used: nothing is joined or committed.
  'group.id': CLIENT_ID,
  'enable.auto.commit': false,
  'enable.auto.offset.store': false,
  // Tells a position past the last record: transaction markers leave holes in the offsets.
  'enable.partition.eof': true,
  'isolation.level': 'read_committed',
  // No 'check.crcs': a batch with a wrong one is passed over, and the addon tells of it only where
  // no record came before it (KafkaConsumerConsumeNum in its workers.cc). So a broken one is delivered.
  'fetch.wait.max.ms': 500,
  // The defaults hold 64 MB a partition; these bound memory and catch up at 190,000 records/s.
  'queued.min.messages': 5000,
  'queued.max.messages.kbytes': 8192,
  'fetch.queue.backoff.ms': 5,
};

/** How the client reaches the brokers, in librdkafka's words. */
export function globalConfig(connection: KafkaConnection): kafka.ConsumerGlobalConfig {
  const { tls, sasl, rack } = connection;
  const brokers = BrokerOrder.of(connection).best.map(address);
  const wire = tls === null ? 'plaintext' : 'ssl';
  return {
    'client.id': CLIENT_ID,
    ...(rack === null ? {} : { 'client.rack': rack }),
    'metadata.broker.list': brokers.join(','),
    'security.protocol': sasl === null ? wire : `sasl_${wire}`,
    'enable.metrics.push': false,
    // By default a leader that hangs is waited for a minute, though another leads meanwhile.
    'socket.timeout.ms': REQUEST_TIMEOUT_MS,
    'reconnect.backoff.ms': 100,
    'reconnect.backoff.max.ms': 1000,
    'socket.keepalive.enable': true,
    // Told through `event.log`, not on stderr.
    event_cb: true,
    // Without an authority of its own, those that the other client has: an image may hold no others.
    ...(tls === null ? {} : { 'ssl.ca.pem': tls.ca ?? rootCertificates.join('\n') }),
    ...(tls?.cert ? { 'ssl.certificate.pem': tls.cert } : {}),
    ...(tls?.key ? { 'ssl.key.pem': tls.key } : {}),
    ...(sasl === null
      ? {}
      : {
          'sasl.mechanisms': sasl.mechanism,
          ...('tokens' in sasl
            ? {}
            : { 'sasl.username': sasl.username, 'sasl.password': sasl.password }),
        }),
  };
}

/**
 * Gives a consumer its tokens: one at first, and a newer one each time that it asks, once there is one.
 * It is never told that there is none: it would emit an `error`, and ask again only 10 s later.
 * @param signal aborts once the consumer is about to go
 */
export function tokenConfig(
  { sasl }: KafkaConnection,
  signal: AbortSignal,
): kafka.ConsumerGlobalConfig {
  if (sasl === null || !('tokens' in sasl)) return {};
  const { tokens, extensions } = sasl;
  let last: Token | null = null;
  const refresh = (_config: string, done: Done): void => {
    tokens.next(last, signal, (token) => {
      last = token;
      done(null, { tokenValue: token.value, lifetime: token.expiresAt, principal: '', extensions });
    });
  };
  return { oauthbearer_token_refresh_cb: refresh };
}

/** As the package's `client.js` takes it; missing from its types. */
type Done = (
  error: Error | null,
  token: {
    readonly tokenValue: string;
    /** Unix milliseconds. */
    readonly lifetime: number;
    readonly principal: string;
    readonly extensions: Readonly<Record<string, string>>;
  },
) => void;

function address({ host, port }: { host: string; port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
