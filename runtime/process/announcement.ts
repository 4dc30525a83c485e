import { getLogger } from '@logtape/logtape';
import type { Config } from '../../app/config/config.ts';
import type { Health } from '../../app/describe/admin.ts';

const logger = getLogger(['sse-kafka']);

/** How often it is looked whether the gateway is ready, in milliseconds. */
const LOOK_MS = 100;

/** Where a gateway is found, and where its records come from. */
export interface Places {
  readonly streams: readonly string[];
  readonly admin: readonly string[];
  readonly brokers: readonly string[];
  /** Who may read, where it is not a right that says so. */
  readonly openTo: string | null;
}

/** Whom a gateway lets read of whom nothing is asked. */
export function openTo({
  jwtIssuer,
  signInUrl,
  require,
}: Pick<Config, 'jwtIssuer' | 'signInUrl' | 'require'>): string | null {
  if (jwtIssuer === null && signInUrl === null) return 'open to all';
  return require === null || require.trim() === 'true' ? 'open to all who sign in' : null;
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

function wordsOf({ streams, admin, brokers, openTo }: Places): string {
  const parts = [`streams and page at ${streams.join(' and ')}`];
  if (admin.length > 0) parts.push(`health and metrics at ${admin.join(' and ')}`);
  parts.push(`reading from ${brokers.join(',')}`);
  if (openTo !== null) parts.push(openTo);
  return parts.join('; ');
}
