// @ts-self-types="./client.d.ts"
/**
 * A client of the gateway's streams for pages, Node and Deno:
 * `import { connect, table } from 'https://gateway.example/client.js'`.
 * All is described in client.d.ts.
 */

import { addHandlers, StreamEvent, TOLD } from './client_events.js';
import { BlockParser, Comeback, retryAfterMs } from './client_stream.js';
import { Table } from './client_table.js';

const [CONNECTING, OPEN, CLOSED] = [0, 1, 2];

const MAX_SILENCE_MS = 45_000;
/** To whoever has no right six times as long. */
const SIGN_IN_MS = 5000;

export function connect(url, options) {
  return new Connection(url, options);
}

export function table(url, options) {
  return new Table(url, { connect, ...options });
}

class Connection extends EventTarget {
  CONNECTING = CONNECTING;
  OPEN = OPEN;
  CLOSED = CLOSED;
  readyState = CONNECTING;
  lastActivity = 0;
  #options;
  #isJson;
  #storeKey;
  #comeback = new Comeback();
  #startsOver = false;
  /** Of the request under way. */
  #attempt = new AbortController();
  #closing = new AbortController();
  /** Ends the wait for the next request. */
  #wake = () => {};
  /** Those who iterate. */
  #consumers = new Set();
  #finalError = null;

  constructor(url, options = {}) {
    super();
    const parsed = new URL(url, globalThis.location?.href);
    this.url = parsed.href;
    this.withCredentials = options.withCredentials ?? false;
    this.lastEventId = options.lastEventId ?? '';
    this.#options = { fetch: globalThis.fetch, maxSilenceMs: MAX_SILENCE_MS, ...options };
    this.#isJson = parsed.searchParams.get('format') === 'json';
    this.#storeKey = `lastEventId of ${this.url}`;
    addHandlers(this, ['open', 'error', 'message', 'delete', ...TOLD]);
    options.signal?.addEventListener('abort', () => this.close(), { signal: this.#closing.signal });
    if (options.signal?.aborted) this.close();
    else this.#run();
  }

  close() {
    this.readyState = CLOSED;
    this.#closing.abort();
    this.#attempt.abort();
    this.#wake();
    for (const consumer of this.#consumers) consumer.wake();
  }

  restart() {
    this.#startsOver = true;
    this.#attempt.abort(new Error('Starting over without an id'));
  }

  async *[Symbol.asyncIterator]() {
    const consumer = { event: null, wake() {}, done() {} };
    this.#consumers.add(consumer);
    try {
      while (consumer.event !== null || this.readyState !== CLOSED) {
        if (consumer.event === null) {
          await new Promise((resolve) => {
            consumer.wake = resolve;
          });
        } else {
          yield consumer.event;
          consumer.event = null;
          consumer.done();
        }
      }
      if (this.#finalError !== null) throw this.#finalError;
    } finally {
      this.#consumers.delete(consumer);
      consumer.done();
      this.close();
    }
  }

  async #run() {
    try {
      this.lastEventId ||= (await this.#options.store?.getItem(this.#storeKey)) ?? '';
    } catch {
      // It costs a replay.
    }
    while (this.readyState !== CLOSED) {
      if (this.#startsOver) this.lastEventId = '';
      this.#startsOver = false;
      this.#comeback.begin(this.lastEventId);
      const error = await this.#stream();
      if (this.readyState === CLOSED) return;
      const wait = this.#comeback.wait(this.lastEventId, error.retryAfterMs);
      const retryMs = error.isFinal ? null : wait;
      this.readyState = CONNECTING;
      if (error.isFinal) {
        this.#finalError = error;
        this.close();
      }
      this.dispatchEvent(Object.assign(new Event('error'), { error, retryMs }));
      if (this.readyState !== CLOSED) await this.#sleep(retryMs, error.status === undefined);
    }
  }

  /** @param endsOnline whether a network that is back ends it; a server's wish stands. */
  async #sleep(ms, endsOnline) {
    let timer;
    await new Promise((resolve) => {
      timer = setTimeout(resolve, ms);
      this.#wake = resolve;
      if (endsOnline) globalThis.addEventListener?.('online', resolve, { once: true });
    });
    clearTimeout(timer);
    globalThis.removeEventListener?.('online', this.#wake);
  }

  /** One request to its end. @returns why it ended */
  async #stream() {
    const attempt = new AbortController();
    this.#attempt = attempt;
    try {
      const response = await this.#alive(this.#request(attempt.signal));
      if (!isStream(response)) return await this.#alive(refusal(response));
      this.readyState = OPEN;
      this.dispatchEvent(new Event('open'));
      await this.#read(response, attempt.signal);
      return attempt.signal.reason ?? new Error('The stream has ended');
    } catch (error) {
      return attempt.signal.reason ?? error;
    } finally {
      attempt.abort();
    }
  }

  async #request(signal) {
    const url = new URL(this.url);
    const { fetch, token } = this.#options;
    const headers = {};
    if (token) {
      const bearer = await token();
      if (bearer) headers.Authorization = `Bearer ${bearer}`;
      // With it a refusal is a stream with a reason and a time; without it, a status and words.
      headers.Accept = 'text/event-stream';
    }
    if (this.lastEventId !== '') {
      // To another origin the header costs a preflight each time, when a crowd comes back.
      const isSameOrigin = (globalThis.location?.origin ?? url.origin) === url.origin;
      if (isSameOrigin) headers['Last-Event-ID'] = this.lastEventId;
      else url.searchParams.set('lastEventId', this.lastEventId);
    }
    const credentials = this.withCredentials ? 'include' : 'same-origin';
    return fetch(url.href, { headers, credentials, cache: 'no-store', signal });
  }

  async #read(response, signal) {
    const { origin } = new URL(response.url || this.url);
    const reader = response.body.getReader();
    const parser = new BlockParser();
    for (;;) {
      const { done, value } = await this.#alive(reader.read());
      if (done) return;
      this.lastActivity = Date.now();
      for (const { type, data, id = this.lastEventId, retry } of parser.feed(value)) {
        if (signal.aborted) break;
        this.#comeback.retryMs = retry ?? this.#comeback.retryMs;
        // An end that was due is no failure.
        if (type === 'expired') this.#comeback.begin(null);
        if (data !== null && type !== 'place') {
          const event = new StreamEvent(type, { data, lastEventId: id, origin }, this.#isJson);
          this.dispatchEvent(event);
          if (this.#consumers.size > 0) await this.#consumed(event);
        }
        // Not before: a page that is reloaded meanwhile has not had it.
        this.lastEventId = id;
        // For those who tell others; it is no event of the topic.
        if (type === 'place') this.dispatchEvent(new Event('place'));
      }
      this.#save();
    }
  }

  /** Waits until those who iterate have asked for the next one. */
  #consumed(event) {
    this.#save();
    const taken = [...this.#consumers].map(
      (consumer) =>
        new Promise((done) => {
          Object.assign(consumer, { event, done });
          consumer.wake();
        }),
    );
    return Promise.all(taken);
  }

  #save() {
    try {
      this.#options.store?.setItem(this.#storeKey, this.lastEventId);
    } catch {
      // It costs a replay.
    }
  }

  /** @throws after too long a silence; by the clock, too: timers stand still in a sleep. */
  async #alive(promise) {
    const ms = this.#options.maxSilenceMs;
    const began = Date.now();
    const dead = new Error(`No byte came for ${ms / 1000} s`);
    let timer;
    const silence = new Promise((_, reject) => {
      if (ms > 0) timer = setTimeout(reject, ms, dead);
    });
    try {
      const value = await Promise.race([promise, silence]);
      if (ms > 0 && Date.now() - began > ms) throw dead;
      return value;
    } finally {
      clearTimeout(timer);
    }
  }
}

function isStream({ status, headers }) {
  return status === 200 && /^text\/event-stream\s*(;|$)/i.test(headers.get('content-type'));
}

/** Why it was refused, in the server's words, and whether to come back. */
async function refusal(response) {
  const { status, headers, url } = response;
  const words = status === 200 ? `it is ${headers.get('content-type')}` : await response.text();
  const error = new Error(`No stream of ${url}: ${status} ${words.trim().slice(0, 200)}`);
  // The cookie of a sign-in may be renewed elsewhere: as an EventSource is told to, it asks again.
  const asksForToken = /^bearer\b/i.test(headers.get('www-authenticate') ?? '');
  const signInMs = asksForToken ? SIGN_IN_MS * (status === 403 ? 6 : 1) : undefined;
  const askedMs = retryAfterMs(headers.get('retry-after')) ?? signInMs;
  const isFinal = status < 500 && ![408, 425, 429].includes(status) && !asksForToken;
  return Object.assign(error, { status, isFinal, retryAfterMs: askedMs });
}
