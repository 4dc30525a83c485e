import process from 'node:process';
import kafka from '@confluentinc/kafka-javascript';

const BATCH = 500;
const WAIT_MS = 500;
const CONNECT_MS = 10_000;
/** From librdkafka: the end of the log. */
const OFFSET_END = -1;

/**
 * What is written to KAFKA_BROKERS and TOPICS from now on, as the servers beside the gateway read
 * it: one consumer, each record made into bytes once.
 *
 * @returns {AsyncGenerator<Buffer[]>} the events of one read
 */
export async function* kafkaFrames() {
  const { KAFKA_BROKERS: brokers = '', TOPICS: topic = '' } = process.env;
  const consumer = new kafka.KafkaConsumer(
    {
      'metadata.broker.list': brokers,
      'group.id': 'bench',
      'enable.auto.commit': false,
      'enable.metrics.push': false,
      'queued.max.messages.kbytes': 8192,
      'fetch.queue.backoff.ms': 5,
    },
    {},
  );
  consumer.setDefaultConsumeTimeout(WAIT_MS);
  // Missing from the package's types; without it the wait starts over at each record.
  /** @type {any} */ (consumer).setDefaultIsTimeoutOnlyForFirstMessage(true);
  await new Promise((done, fail) => {
    consumer.connect({ topic, timeout: CONNECT_MS }, (error) => (error ? fail(error) : done(null)));
  });
  consumer.assign([{ topic, partition: 0, offset: OFFSET_END }]);
  for (;;) {
    /** @type {kafka.Message[]} */
    const messages = await new Promise((done, fail) => {
      consumer.consume(BATCH, (error, read) => (error ? fail(error) : done(read)));
    });
    if (messages.length > 0) yield messages.map(toFrame);
  }
}

/** @param {kafka.Message} message */
function toFrame({ value, offset }) {
  return Buffer.from(`data:${value?.toString() ?? ''}\nid:${offset}\n\n`);
}
