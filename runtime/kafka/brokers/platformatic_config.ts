import { isIP } from 'node:net';
import type { BaseOptions } from '@platformatic/kafka';
import type { BrokerTls } from './broker_tls.ts';
import { CLIENT_ID, type KafkaConnection, REQUEST_TIMEOUT_MS } from './kafka_connection.ts';
import { tokenSignIn } from './token_sign_in.ts';

/** Requests under way over one connection; the client would queue more, of which it keeps no bound. */
export const MAX_UNDER_WAY = 5;

/** How the client reaches the brokers, in @platformatic/kafka's words. */
export function clientOptions(connection: KafkaConnection): BaseOptions {
  const { brokers, tls, sasl } = connection;
  return {
    clientId: CLIENT_ID,
    bootstrapBrokers: [...brokers],
    connectTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    timeout: REQUEST_TIMEOUT_MS,
    maxInflights: MAX_UNDER_WAY,
    // Who asks tries again, and tells why.
    retries: 0,
    ...(tls === null
      ? {}
      : {
          tls: tlsOptions(tls),
          // For proxies that go by the name. An address is none: Deno refuses it as such, Node warns.
          tlsServerName: !brokers.every(isAddress),
        }),
    ...(sasl === null ? {} : { sasl: 'tokens' in sasl ? tokenSignIn(sasl) : sasl }),
  };
}

export function tlsOptions({ ca, cert, key }: BrokerTls): {
  ca?: string;
  cert?: string;
  key?: string;
} {
  return {
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
  };
}

/** Whether a broker is named by its IP address, not by a host's name. */
function isAddress(broker: string): boolean {
  return isIP(broker.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')) !== 0;
}
