import type { Context } from 'hono';
import type { SignInRefusal } from '../auth/identity.ts';
import { retryFrame } from '../wire/frame.ts';
import { randomBetween } from './random_between.ts';
import { wantsEvents } from './refusal.ts';
import { STREAM_HEAD } from './stream_head.ts';

/** Status, challenge and words for those who are not a browser's EventSource. */
const ANSWERS = {
  missing: [401, 'Bearer', 'Sign in first'],
  expired: [401, 'Bearer error="invalid_token"', 'Your sign-in is over'],
  invalid: [401, 'Bearer error="invalid_token"', 'Your sign-in does not count here'],
  forbidden: [403, 'Bearer error="insufficient_scope"', 'You have no right to this'],
  unavailable: [503, null, 'Who you are cannot be told right now'],
} as const satisfies Record<SignInRefusal, readonly [number, string | null, string]>;

const encoder = new TextEncoder();

/**
 * Answers whoever is not let in. An EventSource gives up for good on any status but 200, so it gets a
 * stream that says why, ends at once, and tells it when to come back: by then its page may have
 * signed in anew.
 */
export function refuseSignIn(c: Context, refusal: SignInRefusal, isStream: boolean): Response {
  const isForbidden = refusal === 'forbidden';
  const retryMs = isForbidden ? randomBetween(30_000, 60_000) : randomBetween(5000, 15_000);
  if (isStream && c.req.method === 'GET' && wantsEvents(c)) {
    const said = `event:unauthorized\ndata:${JSON.stringify({ reason: refusal })}\n\n`;
    const bytes = new Uint8Array([...retryFrame(retryMs), ...encoder.encode(said)]);
    return c.body(bytes, 200, STREAM_HEAD);
  }
  const [status, challenge, words] = ANSWERS[refusal];
  const more =
    challenge === null
      ? { 'retry-after': `${Math.ceil(retryMs / 1000)}` }
      : { 'www-authenticate': challenge };
  return c.text(`${words}\n`, status, more);
}
