import { getLogger } from '@logtape/logtape';
import type { Health } from '../../app/describe/admin.ts';

const logger = getLogger(['sse-kafka']);

/** How often it is looked whether the gateway is ready, in milliseconds. */
const LOOK_MS = 100;

/** Where a gateway is found, and where its records come from. */
export interface Places {
  readonly streams: readonly string[];
  readonly admin: readonly string[];
  readonly brokers: readonly string[];
}

/** Says where the gateway listens, and once more when it is ready, as `/readyz` has it. */
export function announce(places: Places, health: () => Health, signal: AbortSignal): void {
  const where = wordsOf(places);
  logger.info(`Listening: ${where}`);
  const timer = setInterval(() => {
    if (health().missing.length > 0) return;
    clearInterval(timer);
    logger.info(`Ready: ${where}`);
  }, LOOK_MS);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

function wordsOf({ streams, admin, brokers }: Places): string {
  const parts = [`streams and page at ${streams.join(' and ')}`];
  if (admin.length > 0) parts.push(`health and metrics at ${admin.join(' and ')}`);
  return [...parts, `reading from ${brokers.join(',')}`].join('; ');
}
