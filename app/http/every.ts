import { MAX_EVERY_MS, MIN_EVERY_MS } from '../views/pace.ts';

/** What `every` takes, in words for an answer. */
export const EVERY_FORMS: string = `every takes whole milliseconds, ${MIN_EVERY_MS} to ${MAX_EVERY_MS}`;

/** @returns milliseconds between two beats, `null` for none, for a text that is none `'invalid'` */
export function parseEvery(text: string | undefined): number | null | 'invalid' {
  if (text === undefined || text === '') return null;
  const milliseconds = /^[1-9]\d{2,4}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
  return milliseconds > MAX_EVERY_MS ? 'invalid' : milliseconds;
}
