import type { Config } from '../../../app/config/config.ts';
import { readPem } from '../../process/pem.ts';

/** How to reach the brokers; the adapters put it in their client's words. */
export interface KafkaConnection {
  /** `host:port` each. */
  readonly brokers: readonly string[];
  /** PEM texts; `null` for no TLS. */
  readonly tls: {
    readonly ca: string | null;
    readonly cert: string | null;
    readonly key: string | null;
  } | null;
  readonly sasl: {
    readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
    readonly username: string;
    readonly password: string;
  } | null;
}

/** The name under which the gateway shows in the brokers' logs and quotas. */
export const CLIENT_ID = 'sse-kafka-fanout';

/** How long one request to the brokers may take, in milliseconds. */
export const REQUEST_TIMEOUT_MS = 5000;

/** The settings' view of it; the PEM files were checked when the settings were read. */
export function kafkaConnection(config: Config): KafkaConnection {
  const { kafkaBrokers, kafkaTls, kafkaSaslMechanism, kafkaUsername, kafkaPassword } = config;
  const { kafkaCaFile, kafkaCertFile, kafkaKeyFile } = config;
  const read = (file: string | null): string | null => (file === null ? null : readPem(file));
  return {
    brokers: kafkaBrokers ?? [`localhost:${config.embeddedKafkaPort}`],
    tls: kafkaTls
      ? { ca: read(kafkaCaFile), cert: read(kafkaCertFile), key: read(kafkaKeyFile) }
      : null,
    sasl:
      kafkaSaslMechanism === null
        ? null
        : {
            mechanism: kafkaSaslMechanism,
            username: kafkaUsername ?? '',
            password: kafkaPassword ?? '',
          },
  };
}
