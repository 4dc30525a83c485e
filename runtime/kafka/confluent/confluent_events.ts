import { getLogger } from '@logtape/logtape';

const logger = getLogger(['sse-kafka', 'brokers']);

/** The part of a client that is listened to. */
interface EventSource {
  on(event: 'event.log', listener: (line: LogLine) => void): unknown;
  on(event: 'event.error' | 'error', listener: (error: { message: string }) => void): unknown;
}

interface LogLine {
  readonly severity: number;
  readonly fac: string;
  readonly message: string;
}

/** As syslog counts. */
const LOG_ERROR = 3;

/** `[thrd:…]: host:port/id: what happened (after 1ms in state …)`: what happened, and where. */
function withoutFrame(message: string): string {
  return message.replace(/^\[thrd:[^\]]*\]: /, '').replace(/ \(after .*$/, '');
}

/**
 * Hears what a client says. `lost` is called once it has lost all brokers, from where it does not
 * always come back (https://github.com/confluentinc/librdkafka/issues/5301), or one of them refuses TLS
 * or login: left alone, it would try that again ten times a second.
 */
export function listen(client: object, lost: (why: Error) => void): void {
  const source = client as EventSource;
  /** Why the last connection failed: the events tell only that it did. */
  let reason: string | null = null;
  source.on('event.log', ({ severity, fac, message }) => {
    logger.debug('Kafka client: {message}', { message });
    if (fac !== 'FAIL' || severity > LOG_ERROR) return;
    reason = withoutFrame(message);
    if (/SSL|SASL/.test(reason)) lost(new Error(reason));
  });
  // It would end the process where nobody listens.
  source.on('error', ({ message }) => logger.debug('Kafka client: {message}', { message }));
  source.on('event.error', ({ message }) => {
    logger.debug('Kafka client: {message}', { message });
    // All of them come with the code -1.
    if (/all broker connections are down/i.test(message)) lost(new Error(reason ?? message));
  });
}
