// @ts-self-types="./client.d.ts"
/**
 * A client of the gateway's streams for pages, Node and Deno:
 * `import { connect, table } from 'https://gateway.example/client.js'`.
 * All is described in client.d.ts.
 */

import { addressOf } from './client_address.js';
import { addHandlers, StreamEvent, startsOver, TOLD } from './client_events.js';
import { BlockParser, Comeback, retryAfterMs } from './client_stream.js';
import { Table, tables } from './client_table.js';
import { isHidden, watchPage } from './client_wake.js';

const [CONNECTING, OPEN, CLOSED] = [0, 1, 2];

const MAX_SILENCE_MS = 45_000;
/** A gateway says something at once. */
const FIRST_BYTE_MS = 20_000;
/** After so many streams without a byte something on the way is taken to hold streams back. */
const MAX_MUTE = 3;
const POLL_SECONDS = 15;
const POLL_PAUSE_MS = 500;
/** To whoever has no right six times as long. */
const SIGN_IN_MS = 5000;

/** Ends of a request that are no failure. */
const [PAUSED, POLLED] = ['paused', 'polled'];

export function connect(url, options) {
  return new Connection(url, options);
}

export function table(url, options) {
  const all = { connect, ...options };
  return Array.isArray(url) ? tables(url, all) : new Table(url, all);
}

class Connection extends EventTarget {
  CONNECTING = CONNECTING;
  OPEN = OPEN;
  CLOSED = CLOSED;
  readyState = CONNECTING;
  status = 'connecting';
  lastActivity = 0;
  #options;
  #isJson;
  #storeKey;
  #comeback = new Comeback();
  #startsOver = false;
  #isStale = false;
  #isLive = false;
  #isRefused = false;
  /** Since when a byte is waited for. */
  #waitsSince = Number.POSITIVE_INFINITY;
  #hasByte = false;
  #mute = 0;
  #polls = false;
  /** Of the request under way. */
  #attempt = new AbortController();
  #closing = new AbortController();
  /** Ends the wait for the next request; the second one where the page's waking may. */
  #proceed = () => {};
  #rouse = () => {};
  /** Those who iterate. */
  #consumers = new Set();
  #finalError = null;

  constructor(url, options = {}) {
    super();
    const address = addressOf(url, options);
    this.url = address.href;
    this.withCredentials = options.withCredentials ?? false;
    this.lastEventId = options.lastEventId ?? '';
    this.#options = { fetch: globalThis.fetch, maxSilenceMs: MAX_SILENCE_MS, ...options };
    this.#isJson = address.searchParams.get('format') === 'json';
    this.#storeKey = `lastEventId of ${this.url}`;
    addHandlers(this);
    const { signal: asked } = options;
    const { signal } = this.#closing;
    asked?.addEventListener('abort', () => this.#end(asked.reason), { signal });
    const hide = () => this.#pauses() && this.#attempt.abort(PAUSED);
    const wake = (sign) => {
      // It may be another network.
      if (sign === 'online') this.#polls = false;
      this.wake();
    };
    watchPage({ wake, hide }, signal);
    if (asked?.aborted) this.#end(asked.reason);
    else this.#run();
  }

  close() {
    this.#end(null);
  }

  restart() {
    this.#startsOver = true;
    this.#attempt.abort(new Error('Starting over'));
  }

  wake() {
    const { maxSilenceMs } = this.#options;
    // More than one heartbeat.
    const ms = (maxSilenceMs * 4) / 9;
    if (maxSilenceMs > 0 && Date.now() - this.#waitsSince > ms) {
      this.#attempt.abort(Object.assign(silence(ms), { retryMs: 0 }));
    }
    this.#rouse();
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

  #end(error) {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    this.#finalError = error;
    this.#closing.abort();
    this.#attempt.abort();
    this.#proceed();
    for (const consumer of this.#consumers) consumer.wake();
    this.#turn('closed');
  }

  #turn(status) {
    if (this.status === status) return;
    this.status = status;
    this.dispatchEvent(new Event('statuschange'));
  }

  #turnOpen() {
    if (this.readyState !== OPEN) return;
    const live = this.#polls ? 'polling' : 'live';
    const hearing = this.#isStale ? 'stale' : this.#isLive ? live : 'replaying';
    this.#turn(this.#isRefused ? 'unauthorized' : hearing);
  }

  #pauses() {
    return this.#options.whileHidden === 'close' && isHidden();
  }

  async #run() {
    try {
      this.lastEventId ||= (await this.#options.store?.getItem(this.#storeKey)) ?? '';
    } catch {
      // It costs a replay.
    }
    while (this.readyState !== CLOSED) {
      if (this.#pauses()) {
        this.readyState = CONNECTING;
        this.#turn('retrying');
        await this.#sleep(null, true);
        continue;
      }
      if (this.#startsOver) this.lastEventId = '';
      this.#startsOver = false;
      this.#comeback.begin(this.lastEventId);
      const error = await this.#stream();
      if (this.readyState === CLOSED) return;
      if (error === POLLED) await this.#sleep(POLL_PAUSE_MS, false);
      else if (error !== PAUSED) await this.#failed(error);
    }
  }

  #failed(error) {
    const wait = error.retryMs ?? this.#comeback.wait(this.lastEventId, error.retryAfterMs);
    const retryMs = error.isFinal ? null : wait;
    this.readyState = CONNECTING;
    if (error.isFinal) this.#end(error);
    else this.#turn(this.#isRefused || error.isRefused ? 'unauthorized' : 'retrying');
    this.dispatchEvent(Object.assign(new Event('error'), { error, retryMs }));
    // A server's wish stands.
    return this.readyState === CLOSED ? null : this.#sleep(retryMs, error.status === undefined);
  }

  /** @param ms null: until it is roused */
  async #sleep(ms, endsByWaking) {
    let timer;
    await new Promise((resolve) => {
      if (ms !== null) timer = setTimeout(resolve, ms);
      this.#proceed = resolve;
      if (endsByWaking) this.#rouse = resolve;
    });
    clearTimeout(timer);
    this.#rouse = () => {};
  }

  /** One request to its end. @returns why it ended */
  async #stream() {
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#hasByte = false;
    this.#isRefused = false;
    const polls = this.#polls;
    let error;
    try {
      const response = await this.#alive(this.#request(attempt.signal));
      if (isStream(response)) {
        this.#opened();
        const isLive = await this.#read(response, attempt.signal);
        error = polls && isLive ? POLLED : Object.assign(new Error('The stream has ended'), CUT);
      } else {
        this.#hasByte = true;
        error = await this.#alive(refusal(response));
      }
    } catch (thrown) {
      error = thrown;
    }
    error = attempt.signal.reason ?? error;
    attempt.abort();
    if (!this.#hasByte && error.isCut) this.#mute += 1;
    if (this.#mute === MAX_MUTE) {
      this.#mute = 0;
      this.#polls = !polls;
    }
    return error;
  }

  #opened() {
    const isPoll = this.readyState === OPEN;
    this.#isStale = false;
    if (isPoll) return;
    this.readyState = OPEN;
    this.#isLive = !this.#isJson;
    this.dispatchEvent(new Event('open'));
  }

  async #request(signal) {
    const url = new URL(this.url);
    const { fetch, token } = this.#options;
    const headers = {};
    if (this.#polls) url.searchParams.set('wait', POLL_SECONDS);
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

  /** @returns whether it ended where it was live */
  async #read(response, signal) {
    const { origin } = new URL(response.url || this.url);
    const reader = response.body.getReader();
    const parser = new BlockParser();
    const { parse } = this.#options;
    let last;
    for (;;) {
      const { done, value } = await this.#alive(reader.read());
      if (done) return last === 'live';
      this.lastActivity = Date.now();
      this.#hasByte = true;
      this.#mute = 0;
      for (const { type, data, id = this.lastEventId, retry } of parser.feed(value)) {
        if (signal.aborted) break;
        this.#comeback.retryMs = retry ?? this.#comeback.retryMs;
        // An end that was due is no failure.
        if (type === 'expired') this.#comeback.begin(null);
        if (data !== null && type !== 'place') {
          last = type;
          const init = { data, lastEventId: id, origin };
          const event = new StreamEvent(type, init, this.#isJson, parse);
          this.dispatchEvent(event);
          this.#note(event);
          if (this.#consumers.size > 0) await this.#consumed(event);
        }
        // Not before: a page that is reloaded meanwhile has not had it.
        this.lastEventId = id;
        // For those who tell others; it is no event of the topic.
        if (type === 'place') this.dispatchEvent(new Event('place'));
      }
      this.#turnOpen();
      this.#save();
    }
  }

  /** What an event says of the stream. */
  #note(event) {
    const { type } = event;
    if (type === 'live') this.#isLive = true;
    if (type === 'stale' || type === 'fresh') this.#isStale = type === 'stale';
    if (type === 'gap' && this.#isJson && startsOver(event.detail)) this.#isLive = false;
    if (type === 'unauthorized') this.#isRefused = true;
    if (TOLD.includes(type)) this.#turnOpen();
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
    const { maxSilenceMs } = this.#options;
    const isFirst = !this.#hasByte && !this.#polls;
    const ms = isFirst ? Math.min(maxSilenceMs, FIRST_BYTE_MS) : maxSilenceMs;
    const began = Date.now();
    this.#waitsSince = began;
    let timer;
    const silent = new Promise((_, reject) => {
      if (ms > 0) timer = setTimeout(() => reject(silence(ms)), ms);
    });
    try {
      const value = await Promise.race([promise, silent]);
      if (ms > 0 && Date.now() - began > ms) throw silence(ms);
      return value;
    } finally {
      this.#waitsSince = Number.POSITIVE_INFINITY;
      clearTimeout(timer);
    }
  }
}

/** Of what may have been held back, where no byte came. */
const CUT = { isCut: true };

function silence(ms) {
  return Object.assign(new Error(`No byte came for ${ms / 1000} s`), CUT);
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
  const isRefused = /^bearer\b/i.test(headers.get('www-authenticate') ?? '');
  const signInMs = isRefused ? SIGN_IN_MS * (status === 403 ? 6 : 1) : undefined;
  const askedMs = retryAfterMs(headers.get('retry-after')) ?? signInMs;
  const isFinal = status < 500 && ![408, 425, 429].includes(status) && !isRefused;
  return Object.assign(error, { status, isFinal, isRefused, retryAfterMs: askedMs });
}
