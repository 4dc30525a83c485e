import { setTimeout as delay } from 'node:timers/promises';
import { DELETE_RETENTION_MS } from './kafka_topics.ts';
import type { Subscriber } from './subscriber.ts';

/** What can be done to a stream by the client that reads it. */
export interface Leash {
  pause(): void;
  resume(): void;
  cut(): void;
}

/**
 * Treats a stream as its client's temper is.
 * @param end aborts when the stream is over, or when no tempers are shown any more
 */
export async function showTemper(subscriber: Subscriber, leash: Leash, end: AbortSignal) {
  const { random } = subscriber;
  const seconds = (from: number, to: number): Promise<unknown> =>
    delay(random.between(from * 1000, to * 1000), undefined, { signal: end });
  const hold = async (from: number, to: number): Promise<void> => {
    leash.pause();
    try {
      await seconds(from, to);
    } finally {
      leash.resume();
    }
  };
  try {
    for (;;) {
      switch (subscriber.plan.temper) {
        case 'fast':
          return;
        case 'slow':
          await seconds(0, 2);
          await hold(1, 6);
          break;
        case 'stalled':
          await seconds(2, 20);
          await hold(12, 40);
          if (random.chance(0.3)) return leash.cut();
          break;
        default:
          await seconds(2, 25);
          return leash.cut();
      }
    }
  } catch (error) {
    if (!end.aborted) throw error;
  }
}

/** How long a client stays away that left by itself, beside what the gateway asks for. */
export function awayMs({ plan, random }: Subscriber): number {
  if (plan.temper === 'long away') return random.between(0, 2 * DELETE_RETENTION_MS);
  const isRestless = plan.temper === 'restless' || plan.temper === 'anew';
  // Most are back before anything is deleted, some are not.
  return isRestless
    ? random.between(0, 1000) + (random.chance(0.3) ? random.between(0, 15_000) : 0)
    : 0;
}
