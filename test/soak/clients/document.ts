import { setTimeout as delay } from 'node:timers/promises';
import { within } from '../../support/deadline.ts';
import type { Subscriber, Times } from '../subscriber.ts';
import { awayMs } from '../temper.ts';
import { REFUSED_AS, TOO_LATE } from './follow.ts';

const PAUSE_MS = 2000;
const ANSWER_MS = 60_000;

interface Listed {
  readonly value?: string | object | null;
}

/** What the gateway gives to who asks for JSON. */
interface Document {
  readonly records: readonly Listed[];
  readonly gaps?: readonly unknown[];
  readonly id: string;
}

/** Asks again and again for one document of what came since the last one. */
export async function followDocuments(
  subscriber: Subscriber,
  origin: string,
  { calm, over }: Times,
): Promise<void> {
  while (!over.aborted) {
    try {
      await ask(subscriber, new URL(subscriber.path, origin), over);
    } catch {
      // Refused, or cut: one that was cut does not parse, and counts for nothing.
    }
    subscriber.state = 'away';
    await delay(PAUSE_MS, undefined, { signal: over }).catch(() => {});
    await delay(awayMs(subscriber), undefined, { signal: calm }).catch(() => {});
  }
}

async function ask(subscriber: Subscriber, url: URL, over: AbortSignal): Promise<void> {
  const headers = {
    accept: 'application/json',
    'last-event-id': subscriber.lastId,
    ...(await subscriber.plan.pass.headers()),
  };
  subscriber.state = 'asking';
  const response = await within(`${url}`, fetch(url, { headers, signal: over }), ANSWER_MS);
  if (response.status !== 200) {
    await response.body?.cancel();
    const reason = REFUSED_AS[response.status];
    if (response.status === TOO_LATE) subscriber.late();
    else if (reason === undefined) subscriber.refused();
    else subscriber.unauthorized(reason);
    return;
  }
  subscriber.opened();
  const {
    records,
    gaps = [],
    id,
  } = (await within(`the document of ${url}`, response.json(), ANSWER_MS)) as Document;
  const take = (event: string, data: unknown): void =>
    subscriber.take({ event, data: JSON.stringify(data), id });
  for (const gap of gaps) take('gap', gap);
  for (const record of records) take(eventOf(record), record);
  take('live', {});
}

function eventOf({ value }: Listed): string {
  if (value === undefined) return 'leave';
  return value === null ? 'delete' : 'message';
}
