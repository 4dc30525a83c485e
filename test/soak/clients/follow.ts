import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { BlockParser } from '../../../sse_cat/event_stream.mjs';
import type { Block } from '../../../sse_cat/follower.mjs';
import { within } from '../../support/deadline.ts';
import type { Subscriber, Times } from '../subscriber.ts';
import { awayMs, showTemper } from '../temper.ts';

/** A request that took longer than a gateway waits: machines have more to do than they can. */
export const TOO_LATE = 408;
const FIRST_RETRY_MS = 1000;
export const HEAD_MS = 60_000;
/** What an EventSource is told in words. */
export const REFUSED_AS: Readonly<Record<number, string>> = { 401: 'invalid', 403: 'forbidden' };

/** The head of an answer, and its body as it comes. */
export interface Answer {
  readonly status: number;
  /** Of `Retry-After`, else `undefined`. */
  readonly retryAfter: string | undefined;
  readonly body: Readable;
  cut(): void;
}

/** Asks for a path with a header. */
export type Open = (path: string, headers: Readonly<Record<string, string>>) => Promise<Answer>;

/** Reads a stream that is parsed here, and comes back with the last id after each end. */
export async function follow(subscriber: Subscriber, open: Open, times: Times): Promise<void> {
  let retryMs = FIRST_RETRY_MS;
  while (!times.over.aborted) {
    let waitMs = retryMs;
    let stayMs = 0;
    try {
      const { lastId, path } = subscriber;
      const headers = {
        ...(subscriber.plan.saysAccept ? { accept: 'text/event-stream' } : {}),
        ...(lastId === '' ? {} : { 'last-event-id': lastId }),
        ...(await subscriber.plan.pass.headers()),
      };
      subscriber.state = 'asking';
      const answer = await within(`the head of ${path}`, open(path, headers), HEAD_MS);
      if (answer.status === 200) {
        subscriber.opened();
        await read(subscriber, answer, times, (asked) => {
          retryMs = asked;
        });
        waitMs = retryMs;
        stayMs = awayMs(subscriber);
        if (subscriber.plan.temper === 'anew' && !times.calm.aborted) subscriber.beginAnew();
      } else {
        const reason = REFUSED_AS[answer.status];
        if (answer.status === TOO_LATE) subscriber.late();
        else if (reason === undefined) subscriber.refused();
        else subscriber.unauthorized(reason);
        answer.cut();
        waitMs = Number(answer.retryAfter ?? 1) * 1000;
      }
    } catch {
      // Refused or cut: it is tried again.
    }
    subscriber.state = 'away';
    await delay(waitMs, undefined, { signal: times.over }).catch(() => {});
    await delay(stayMs, undefined, { signal: times.calm }).catch(() => {});
  }
}

async function read(
  subscriber: Subscriber,
  { body, cut }: Answer,
  { calm, over }: Times,
  onRetry: (milliseconds: number) => void,
): Promise<void> {
  const parser = new BlockParser();
  let lastId = '';
  const parse = (bytes: Uint8Array): void => {
    const blocks: Iterable<Block> = parser.feed(bytes);
    for (const { type: event, data, id, retry } of blocks) {
      if (retry !== undefined) onRetry(retry);
      if (id !== undefined) {
        lastId = id;
        subscriber.identified(id);
      }
      if (data !== null) subscriber.take({ event, data, id: lastId });
    }
  };
  const ended = new AbortController();
  const leash = { pause: () => body.pause(), resume: () => body.resume(), cut };
  const temper = showTemper(subscriber, leash, AbortSignal.any([ended.signal, calm]));
  await new Promise<void>((resolve) => {
    const leave = (): void => {
      cut();
      // Not when it is closed: it may be held up.
      resolve();
    };
    over.addEventListener('abort', leave, { signal: ended.signal });
    body.on('error', () => {});
    body.on('close', resolve);
    body.on('data', (bytes: Uint8Array) => parse(bytes));
    body.resume(); // Of curl's output the head was read, and the rest held back.
    if (over.aborted) leave();
    if (body.closed) resolve();
  });
  ended.abort();
  await temper;
}
