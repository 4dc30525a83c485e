import { getLogger } from '@logtape/logtape';
import type { BrokerHealth } from './broker_health.ts';

const logger = getLogger(['sse-kafka', 'brokers']);

/** The part of both clients that is listened to. */
interface EventSource {
  on(event: 'event.log', listener: (line: LogLine) => void): unknown;
  on(event: 'event.error', listener: (error: { message: string }) => void): unknown;
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

/** Hears what a client says: its events tell that something is wrong, its log lines what. */
export function listen(client: object, health: BrokerHealth): void {
  const source = client as EventSource;
  source.on('event.log', ({ severity, fac, message }) => {
    logger.debug('Kafka client: {message}', { message });
    if (fac === 'FAIL' && severity <= LOG_ERROR) health.reason(withoutFrame(message));
  });
  source.on('event.error', ({ message }) => {
    logger.debug('Kafka client: {message}', { message });
    // All of them come with the code -1.
    if (message === 'all broker connections are down') health.failed(message);
  });
}
