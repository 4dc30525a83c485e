import type { Config } from '../../../app/config/config.ts';
import { createTokens } from '../tokens/create_tokens.ts';
import type { TokenSource } from '../tokens/token_source.ts';
import { type BrokerTls, readBrokerTls } from './broker_tls.ts';

/** How to reach the brokers; the adapters put it in their client's words. */
export interface KafkaConnection {
  /** `host:port` each. */
  readonly brokers: readonly string[];
  /** For a connection that is made now; `null` for no TLS. */
  readonly tls: BrokerTls | null;
  /** The zone of the gateway; `null`: all is read from leaders. */
  readonly rack: string | null;
  readonly sasl: PasswordSignIn | TokenSignIn | null;
}

export interface PasswordSignIn {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly username: string;
  readonly password: string;
}

export interface TokenSignIn {
  /** On the wire; that of AWS is one of these, too. */
  readonly mechanism: 'OAUTHBEARER';
  readonly tokens: TokenSource;
  /** What the brokers are told beside the token. */
  readonly extensions: Readonly<Record<string, string>>;
}

/** The name under which the gateway shows in the brokers' logs and quotas. */
export const CLIENT_ID = 'sse-kafka-fanout';

/** How long one request to the brokers may take, in milliseconds. */
export const REQUEST_TIMEOUT_MS = 5000;

/** The settings' view of it; the PEM files were checked when the settings were read. */
export function kafkaConnection(config: Config): KafkaConnection {
  const { kafkaBrokers, kafkaTls } = config;
  const { kafkaCaFile, kafkaCertFile, kafkaKeyFile } = config;
  const files = { ca: kafkaCaFile, cert: kafkaCertFile, key: kafkaKeyFile };
  const readTls = kafkaTls ? readBrokerTls(files) : () => null;
  return {
    brokers: kafkaBrokers ?? [`localhost:${config.embeddedKafkaPort}`],
    get tls() {
      return readTls();
    },
    rack: config.kafkaRack,
    sasl: signInOf(config),
  };
}

/** Who signs in to the brokers by OAuth is known to a registry beside them by the same token. */
export function registryToken(
  { kafkaSaslMechanism }: Config,
  { sasl }: KafkaConnection,
): (() => Promise<string>) | null {
  if (kafkaSaslMechanism !== 'OAUTHBEARER' || sasl?.mechanism !== 'OAUTHBEARER') return null;
  return async () => (await sasl.tokens.get()).value;
}

function signInOf(config: Config): PasswordSignIn | TokenSignIn | null {
  const { kafkaSaslMechanism: mechanism, kafkaUsername, kafkaPassword } = config;
  if (mechanism === null) return null;
  if (mechanism === 'OAUTHBEARER' || mechanism === 'AWS_MSK_IAM') {
    const tokens = createTokens(config, CLIENT_ID)!;
    const extensions = Object.fromEntries(config.kafkaOauthExtensions ?? []);
    return { mechanism: 'OAUTHBEARER', tokens, extensions };
  }
  return { mechanism, username: kafkaUsername ?? '', password: kafkaPassword ?? '' };
}
