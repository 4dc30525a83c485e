import { getLogger } from '@logtape/logtape';
import type { Config } from '../../app/config/config.ts';

const logger = getLogger(['sse-kafka']);

/** Runs `use` with the embedded Kafka started, where the settings name no brokers. Not at all where
 * the signal aborts before. */
export async function withEmbeddedKafka(
  config: Config,
  signal: AbortSignal,
  use: () => Promise<void>,
): Promise<void> {
  if (config.kafkaBrokers !== null) return use();
  const { acquireEmbeddedKafka } = await import('./embedded_kafka.ts');
  const embedded = await acquireEmbeddedKafka({
    port: config.embeddedKafkaPort,
    topics: config.topics,
    signal,
    onProgress: (line) => logger.info(line),
  }).catch((error) => {
    if (signal.aborted) return null;
    throw error;
  });
  if (embedded === null) return;
  try {
    await use();
  } finally {
    await embedded.release();
  }
}
