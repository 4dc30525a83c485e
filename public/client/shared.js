// @ts-self-types="./shared.d.ts"
/**
 * One stream for all tabs of an origin: `import { shared } from './shared.js'`.
 *
 * A leader, in a SharedWorker or else in an elected tab, has the stream and tells it to all tabs. A
 * tab begins on a stream of its own and moves over where both are at the same place of every
 * partition: so nothing is lost and nothing comes twice.
 */

import { connect } from './client.js';
import { addHandlers, StreamEvent } from './client_events.js';
import { lead, streamKey } from './shared_leader.js';

/** How much of the leader's stream is kept, and of the own one's places, to find a common place. */
const MAX_KEPT = 1000;
const ASK_MS = 1000;
/** The leader has to come to the own place within this time; else it is another replica's order. */
const MEET_MS = 5000;
const TRY_AGAIN_MS = 30_000;
/** A worker that has not begun to lead by then does not run. */
const WORKER_MS = 3000;

const BLOCKS = ['message', 'delete', 'gap', 'live'];
/** Those without an id. */
const STANDINGS = ['stale', 'fresh'];
/** Of the token of the tab that has the stream. */
const SIGN_IN = ['expired', 'unauthorized'];

/** On a compacted topic an id has a time behind it: when its block was made. */
const placeOf = (id) => id.split('/~')[0];

/** As `connect()`. */
export function shared(url, options) {
  return new SharedConnection(url, options);
}

class SharedConnection extends EventTarget {
  CONNECTING = 0;
  OPEN = 1;
  CLOSED = 2;
  lastActivity = 0;
  #options;
  #isJson;
  #key;
  #channel;
  #closing = new AbortController();
  /** The own stream; null while the leader's is followed or waited for. */
  #own = null;
  #isFollowing = false;
  #leader = null;
  #leaderState = 0;
  /** What `stale` said last, until `fresh`: to this tab, and to the leader. */
  #stale = null;
  #leaderStale = null;
  #isLive = false;
  #isIterated = false;
  /** What the leader told, the newest last. */
  #kept = [];
  #recentPlaces = new Set();
  #notBefore = 0;
  #meeting = 0;

  constructor(url, options = {}) {
    super();
    const parsed = new URL(url, globalThis.location?.href);
    this.url = parsed.href;
    this.withCredentials = options.withCredentials ?? false;
    this.lastEventId = options.lastEventId ?? '';
    this.#options = options;
    this.#isJson = parsed.searchParams.get('format') === 'json';
    addHandlers(this, ['open', 'error', ...BLOCKS, ...STANDINGS, ...SIGN_IN]);
    const { signal } = this.#closing;
    options.signal?.addEventListener('abort', () => this.close(), { signal });
    this.#key = streamKey({ ...options, url: this.url, withCredentials: this.withCredentials });
    this.#channel = new BroadcastChannel(this.#key);
    this.#channel.onmessage = ({ data }) => this.#told(data);
    const asking = setInterval(() => this.#ask(), ASK_MS);
    signal.addEventListener('abort', () => clearInterval(asking));
    this.#openOwn(options.store);
    this.#ensureLeader();
    if (options.signal?.aborted) this.close();
  }

  get readyState() {
    if (this.#closing.signal.aborted) return this.CLOSED;
    return this.#own?.readyState ?? (this.#isFollowing ? this.#leaderState : this.CONNECTING);
  }

  close() {
    this.#closing.abort();
    this.#own?.close();
    this.#channel.close();
    clearTimeout(this.#meeting);
  }

  restart() {
    this.lastEventId = '';
    this.#openOwn();
  }

  /** It stops its stream while the consumer is behind, so that it needs one of its own. */
  async *[Symbol.asyncIterator]() {
    this.#isIterated = true;
    if (this.#own === null) this.#openOwn();
    try {
      for (let own = null; own !== this.#own && !this.#closing.signal.aborted; ) {
        own = this.#own;
        yield* own;
      }
    } finally {
      this.close();
    }
  }

  #openOwn(store) {
    clearTimeout(this.#meeting);
    this.#own?.close();
    this.#isFollowing = false;
    this.#isLive = false;
    const { lastEventId } = this;
    const own = connect(this.url, { ...this.#options, store, lastEventId, signal: undefined });
    this.#own = own;
    own.addEventListener('open', () => this.#opened());
    for (const type of STANDINGS) {
      own.addEventListener(type, ({ data }) => this.#stand(type === 'stale' ? data : null));
    }
    for (const type of SIGN_IN) own.addEventListener(type, (event) => this.#say(type, event.data));
    own.addEventListener('error', ({ error, retryMs }) => {
      this.lastActivity = own.lastActivity;
      this.#fail(error, retryMs);
    });
    for (const type of BLOCKS) {
      own.addEventListener(type, ({ data, lastEventId: id, origin }) => {
        this.#deliver({ type, data, id, origin });
        if (this.#own !== own) return; // A listener closed it, or began anew.
        this.#isLive ||= type === 'live';
        const place = placeOf(id);
        this.#recentPlaces.delete(place);
        this.#recentPlaces.add(place);
        if (this.#recentPlaces.size > MAX_KEPT) {
          this.#recentPlaces.delete([...this.#recentPlaces][0]);
        }
        const at = this.#kept.findLastIndex((block) => placeOf(block.id) === place);
        if (at >= 0 && this.#mayMove()) this.#follow(this.#kept.slice(at + 1));
      });
    }
  }

  #mayMove() {
    // What `live` tells has to come from the own stream, which began where this tab did.
    const isReady = this.#isLive || !this.#isJson;
    return isReady && !this.#isIterated && Date.now() > this.#notBefore;
  }

  #ask() {
    if (this.#own !== null && this.#mayMove()) this.#channel.postMessage({ asks: true });
  }

  #told(told) {
    if (told.asks) return;
    if (told.leader !== this.#leader) {
      this.#leader = told.leader;
      this.#kept = [];
      if (this.#isFollowing) this.#meet();
    }
    this.#leaderStale = told.stale;
    if (this.#isFollowing && told.type !== 'open') this.#stand(told.stale);
    if (BLOCKS.includes(told.type)) {
      if (this.#isFollowing) return this.#deliver(told);
      this.#kept.push(told);
      if (this.#kept.length > MAX_KEPT) this.#kept.shift();
      this.#leaderState = this.OPEN;
      return this.#compare(told.id);
    }
    this.#leaderState = told.readyState;
    if (told.type === 'place')
      return this.#isFollowing ? this.#keepPlace(told.id) : this.#compare(told.id);
    if (!this.#isFollowing) return;
    // Its token is not this tab's.
    if (told.type === 'unauthorized') return this.#openOwn();
    if (told.type === 'open') this.#opened();
    if (told.type === 'error') {
      this.lastActivity = told.lastActivity;
      const error = Object.assign(new Error(told.message), { status: told.status });
      this.#fail(error, told.retryMs);
    }
  }

  /** Whether the leader is where this tab is, or was. */
  #compare(id) {
    if (this.#own === null) {
      if (!this.#isFollowing && placeOf(id) === placeOf(this.lastEventId)) this.#follow([]);
      return;
    }
    // An id from the store, or of a block that is no event.
    this.lastEventId = this.#own.lastEventId || this.lastEventId;
    if (this.#leaderState === this.OPEN && this.#mayMove()) {
      if (placeOf(id) === placeOf(this.lastEventId)) this.#follow([]);
      else if (this.#recentPlaces.has(placeOf(id))) this.#meet();
    }
  }

  /** Stands still until the leader is here, too. */
  #meet() {
    this.#own?.close();
    this.#own = null;
    this.#isFollowing = false;
    clearTimeout(this.#meeting);
    this.#meeting = setTimeout(() => {
      this.#notBefore = Date.now() + TRY_AGAIN_MS;
      this.#openOwn();
    }, MEET_MS);
  }

  #follow(blocks) {
    clearTimeout(this.#meeting);
    this.#own?.close();
    this.#own = null;
    this.#isFollowing = true;
    this.#kept = [];
    this.#recentPlaces.clear();
    this.#stand(this.#leaderStale);
    for (const block of blocks) if (this.#isFollowing) this.#deliver(block);
  }

  /** A stream that is new says by itself when it is stale. */
  #opened() {
    this.#stale = null;
    this.dispatchEvent(new Event('open'));
  }

  /** Tells whether the gateway hears of the topic, where that has changed. */
  #stand(stale) {
    if (stale === this.#stale || this.#closing.signal.aborted) return;
    this.#stale = stale;
    this.#say(stale === null ? 'fresh' : 'stale', stale ?? '{}');
  }

  #say(type, data) {
    const { origin } = new URL(this.url);
    const init = { data, lastEventId: this.lastEventId, origin };
    this.dispatchEvent(new StreamEvent(type, init, this.#isJson));
  }

  #deliver({ type, data, id, origin }) {
    if (this.#closing.signal.aborted) return;
    this.lastActivity = Date.now();
    this.lastEventId = id;
    this.dispatchEvent(new StreamEvent(type, { data, lastEventId: id, origin }, this.#isJson));
    this.#keepPlace(id);
  }

  /** All that it has of the leader lies before this place. */
  #keepPlace(id) {
    this.lastEventId = id || this.lastEventId;
    try {
      this.#options.store?.setItem(`lastEventId of ${this.url}`, this.lastEventId);
    } catch {
      // It costs a replay.
    }
  }

  #fail(error, retryMs) {
    if (retryMs === null) this.close();
    this.dispatchEvent(Object.assign(new Event('error'), { error, retryMs }));
  }

  /** Each tab is ready to lead: a leader that dies is followed by the next one in the queue. */
  #ensureLeader() {
    const { signal } = this.#closing;
    const { url, withCredentials } = this;
    const { token } = this.#options;
    const until = () => new Promise((done) => signal.addEventListener('abort', done));
    navigator.locks.request(`${this.#key} used`, { mode: 'shared', signal }, until).catch(() => {});
    const place = () => (this.#own === null ? this.lastEventId : '');
    const queue = () => lead({ url, withCredentials, token }, place, signal);
    // A worker cannot ask the page for its token.
    if (token) return void queue();
    try {
      // It has to be of the page's own origin.
      const script = new URL('./shared_worker.js', import.meta.url);
      const worker = new SharedWorker(script, { type: 'module', name: 'sse-kafka-fanout' });
      worker.port.postMessage({ url, withCredentials });
      setTimeout(queue, WORKER_MS);
    } catch {
      queue();
    }
  }
}
