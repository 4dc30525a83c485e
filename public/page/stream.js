import { askForRefusal, reasonOf } from './refusal.js';

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30_000;
/** An idle stream has heartbeats, but an EventSource does not tell of them. */
const SILENT_MS = 20_000;
/** Whoever is refused again hears of it sooner. */
const LET_IN_MS = 500;
const EVENTS = /** @type {const} */ (['message', 'delete', 'leave', 'gap', 'live']);

/**
 * How a stream stands.
 *
 * @typedef {object} State
 * @property {'idle' | 'connecting' | 'replaying' | 'live' | 'open' | 'stale' | 'retrying' | 'refused' | 'ended' | 'failed'} name
 *   `open`: connected to a stream that does not tell when it is live; `stale`: the gateway hears
 *   nothing from Kafka; `refused`: not let in, and asked for again and again
 * @property {string} [reason] why, in words
 * @property {number} [since] of a connection that is being made, or of a stale stream, Unix milliseconds
 * @property {number} [retryAt] Unix milliseconds; where it is left out the browser knows alone
 * @property {number} [silentMs] of a stream that is back: how long nothing had come
 */

/**
 * One stream at a time, by the browser's own EventSource, which comes back by itself as long as the
 * connection was merely lost. When it gives up, for instance because of a proxy's 502, this goes on
 * in its place: at a growing distance, and with the last id.
 */
export class Stream {
  /** @type {EventSource | null} */
  #source = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #tries = 0;
  #lastId = '';
  #heardAt = 0;
  #openedAt = 0;
  /** @type {'replaying' | 'live' | 'open'} how far the stream is, stale or not */
  #progress = 'replaying';
  #isStale = false;
  /** Whether it was refused, and whether this very connection was. */
  #isRefused = false;
  #isToldWhy = false;
  /** Whether the sign-in was over when it ended. */
  #isExpired = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} until it is taken for let in */
  #letIn;
  /** @type {(lastId: string) => string} */
  #url = () => '';
  #onState;
  #onEvent;

  /**
   * @param {(state: State) => void} onState
   * @param {(type: typeof EVENTS[number], data: string, id: string) => void} onEvent
   */
  constructor(onState, onEvent) {
    this.#onState = onState;
    this.#onEvent = onEvent;
  }

  get lastId() {
    return this.#lastId;
  }

  /**
   * Starts afresh; the stream before it ends.
   * @param {(lastId: string) => string} url the address to go on at after an id
   */
  start(url) {
    this.#end();
    this.#lastId = '';
    this.#heardAt = Date.now();
    this.#tries = 0;
    this.#isRefused = false;
    this.#isToldWhy = false;
    this.#isExpired = false;
    this.#url = url;
    this.#open();
  }

  /** Asks again at once, with the last id, where it was refused. */
  askAgain() {
    if (!this.#isRefused) return;
    this.#end();
    this.#open();
  }

  get progress() {
    return this.#progress;
  }

  /**
   * The stream is known to be so far.
   * @param {'replaying' | 'live' | 'open'} progress
   * @param {number} [silentMs] of a stream that is back
   */
  comesTo(progress, silentMs) {
    this.#progress = progress;
    if (this.#isStale) return;
    this.#onState(silentMs === undefined ? { name: progress } : { name: progress, silentMs });
  }

  stop() {
    this.#end();
    this.#onState({ name: 'ended' });
  }

  /**
   * The device or the tab may have slept, and the connection may have died of it without a word: one
   * that was silent is made anew, and goes on where it was.
   */
  wake() {
    const source = this.#source;
    if (source?.readyState !== EventSource.OPEN || this.#lastId === '') {
      this.retryNow();
      return;
    }
    if (Date.now() - Math.max(this.#heardAt, this.#openedAt) < SILENT_MS) return;
    this.#end();
    this.#open();
  }

  /** Does not wait any longer, where it waits. */
  retryNow() {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#open();
  }

  #end() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    clearTimeout(this.#letIn);
    this.#source?.close();
    this.#source = null;
  }

  #open() {
    this.#timer = undefined;
    const url = this.#url(this.#lastId);
    if (!this.#isRefused) this.#onState({ name: 'connecting', since: Date.now() });
    const source = new EventSource(url);
    this.#source = source;
    const tellsWhenLive = new URL(url).searchParams.get('format') === 'json';
    source.addEventListener('open', () => {
      console.log('open', url);
      this.#tries = 0;
      this.#openedAt = Date.now();
      const silentMs = Date.now() - this.#heardAt;
      this.#isStale = false;
      this.#progress = tellsWhenLive ? 'replaying' : 'open';
      const letIn = () => this.#comesIn(silentMs);
      if (this.#isInDoubt) this.#letIn = setTimeout(letIn, LET_IN_MS);
      else letIn();
    });
    source.addEventListener('error', () => {
      console.log('error', url);
      clearTimeout(this.#letIn);
      // It comes back by itself.
      if (this.#isToldWhy && source.readyState !== source.CLOSED) {
        this.#isToldWhy = false;
        return;
      }
      this.#isRefused = false;
      if (source.readyState === source.CLOSED) this.#retry(url);
      else this.#onState({ name: 'retrying' });
    });
    this.#hearStanding(source);
    this.#hearSignIn(source);
    source.addEventListener('place', ({ lastEventId }) => {
      this.#lastId = lastEventId;
      this.#heardAt = Date.now();
    });
    for (const type of EVENTS) {
      source.addEventListener(type, ({ data, lastEventId }) => {
        if (this.#isInDoubt) this.#comesIn(Date.now() - this.#heardAt);
        this.#lastId = lastEventId;
        this.#heardAt = Date.now();
        if (type === 'live') this.comesTo('live');
        this.#onEvent(type, data, lastEventId);
      });
    }
  }

  /** Whether a connection that opens may be one that is refused. */
  get #isInDoubt() {
    return this.#isRefused || this.#isExpired;
  }

  /** @param {number} silentMs */
  #comesIn(silentMs) {
    clearTimeout(this.#letIn);
    this.#isRefused = false;
    this.#isExpired = false;
    this.comesTo(this.#progress, silentMs);
  }

  /** @param {EventSource} source */
  #hearSignIn(source) {
    source.addEventListener('unauthorized', ({ data }) => {
      clearTimeout(this.#letIn);
      this.#isRefused = true;
      this.#isToldWhy = true;
      this.#onState({ name: 'refused', reason: reasonOf(data, this.#isExpired) });
    });
    source.addEventListener('expired', ({ lastEventId }) => {
      this.#lastId = lastEventId;
      this.#heardAt = Date.now();
      this.#isExpired = true;
    });
  }

  /** @param {EventSource} source */
  #hearStanding(source) {
    source.addEventListener('stale', ({ data }) => {
      this.#isStale = true;
      // Other servers may mean something else by it.
      this.#onState({ name: 'stale', since: Number(/\d{13}/.exec(data)?.[0] ?? Date.now()) });
    });
    source.addEventListener('fresh', () => {
      this.#isStale = false;
      this.comesTo(this.#progress);
    });
  }

  /** @param {string} url */
  async #retry(url) {
    const source = this.#source;
    // Spread, so that all who lost one proxy do not come back at the same moment.
    const most = Math.min(FIRST_RETRY_MS * 2 ** this.#tries++, LONGEST_RETRY_MS);
    const delay = most * (0.5 + Math.random() / 2);
    const retryAt = Date.now() + delay;
    this.#onState({ name: 'retrying', retryAt });
    this.#timer = setTimeout(() => this.#open(), delay);
    const { words, isFinal } = await askForRefusal(url);
    if (this.#source !== source) return;
    if (isFinal) {
      this.#end();
      this.#onState({ name: 'failed', reason: words });
    } else if (this.#timer !== undefined) {
      this.#onState({ name: 'retrying', reason: words, retryAt });
    }
  }
}
