// @ts-self-types="./shared.d.ts"
/**
 * One stream for all tabs of an origin: `import { shared } from './shared.js'`.
 *
 * A leader, in a SharedWorker or else in an elected tab, has the stream and tells it to all tabs. A
 * tab begins on a stream of its own and moves over where both are at the same place of every
 * partition: so nothing is lost and nothing comes twice.
 */

import { connect } from './client.js';
import { addressOf } from './client_address.js';
import { addHandlers, StreamEvent } from './client_events.js';
import { watchPage } from './client_wake.js';
import { lead, streamKey } from './shared_leader.js';

/** How much of the leader's stream is kept, and of the own one's places, to find a common place. */
const MAX_KEPT = 1000;
const ASK_MS = 1000;
/** The leader has to come to the own place within this time; else it is another replica's order. */
const MEET_MS = 5000;
const TRY_AGAIN_MS = 30_000;
/** A worker that has not begun to lead by then does not run. */
const WORKER_MS = 3000;
/** A leader that tells nothing is asked whether it is there: its tab may have been frozen. */
const QUIET_MS = 15_000;
const ANSWER_MS = 5000;

const BLOCKS = ['message', 'delete', 'leave', 'gap', 'live'];
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
  status = 'connecting';
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
  #leaderStatus = 'connecting';
  /** When it told something, and when it was asked in vain, or 0. */
  #heard = 0;
  #asked = 0;
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
    const address = addressOf(url, options);
    this.url = address.href;
    this.withCredentials = options.withCredentials ?? false;
    this.lastEventId = options.lastEventId ?? '';
    this.#options = options;
    this.#isJson = address.searchParams.get('format') === 'json';
    addHandlers(this);
    const { signal } = this.#closing;
    options.signal?.addEventListener('abort', () => this.close(), { signal });
    this.#key = streamKey({ ...options, url: this.url, withCredentials: this.withCredentials });
    this.#channel = new BroadcastChannel(this.#key);
    this.#channel.onmessage = ({ data }) => this.#told(data);
    const asking = setInterval(() => this.#ask(), ASK_MS);
    signal.addEventListener('abort', () => clearInterval(asking));
    watchPage({ wake: () => this.#askLeader(true) }, signal);
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
    this.#closeOwn();
    this.#channel.close();
    clearTimeout(this.#meeting);
    this.#turn('closed');
  }

  wake() {
    this.#own?.wake();
    this.#askLeader(true);
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
      this.#options.signal?.throwIfAborted();
    } finally {
      this.close();
    }
  }

  #openOwn(store) {
    clearTimeout(this.#meeting);
    this.#closeOwn();
    this.#isFollowing = false;
    this.#isLive = false;
    const { lastEventId } = this;
    const own = connect(this.url, { ...this.#options, store, lastEventId, signal: undefined });
    this.#own = own;
    this.#turn(own.status);
    own.addEventListener('statuschange', () => this.#own === own && this.#turn(own.status));
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

  #closeOwn() {
    const own = this.#own;
    this.#own = null;
    own?.close();
  }

  #turn(status) {
    if (this.status === status) return;
    this.status = status;
    this.dispatchEvent(new Event('statuschange'));
  }

  #mayMove() {
    // What `live` tells has to come from the own stream, which began where this tab did.
    const isReady = this.#isLive || !this.#isJson;
    return isReady && !this.#isIterated && Date.now() > this.#notBefore;
  }

  #ask() {
    if (this.#own !== null && this.#mayMove()) this.#channel.postMessage({ asks: true });
    if (!this.#isFollowing) return;
    const now = Date.now();
    if (this.#asked === 0 && now - this.#heard > QUIET_MS) this.#askLeader(false);
    else if (this.#asked > 0 && now - this.#asked > ANSWER_MS) this.#openOwn();
  }

  #askLeader(wakes) {
    if (!this.#isFollowing) return;
    this.#channel.postMessage({ asks: true, wakes });
    this.#asked ||= Date.now();
  }

  #told(told) {
    if (told.asks) return;
    this.#heard = Date.now();
    this.#asked = 0;
    if (told.leader !== this.#leader) {
      this.#leader = told.leader;
      this.#kept = [];
      if (this.#isFollowing) this.#meet();
    }
    this.#leaderStale = told.stale;
    this.#leaderStatus = told.status;
    if (this.#isFollowing && told.type !== 'open') this.#stand(told.stale);
    if (BLOCKS.includes(told.type)) {
      if (this.#isFollowing) return this.#deliver(told);
      this.#kept.push(told);
      if (this.#kept.length > MAX_KEPT) this.#kept.shift();
      this.#leaderState = this.OPEN;
      return this.#compare(told.id);
    }
    this.#leaderState = told.readyState;
    if (this.#isFollowing && told.type !== 'unauthorized') this.#turn(told.status);
    if (told.type === 'place')
      return this.#isFollowing ? this.#keepPlace(told.id) : this.#compare(told.id);
    if (!this.#isFollowing) return;
    // Its token is not this tab's.
    if (told.type === 'unauthorized') return this.#openOwn();
    if (told.type === 'open') this.#opened();
    if (told.type === 'error') {
      this.lastActivity = told.lastActivity;
      const error = Object.assign(new Error(told.message), { status: told.httpStatus });
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
    this.#closeOwn();
    this.#isFollowing = false;
    clearTimeout(this.#meeting);
    this.#meeting = setTimeout(() => {
      this.#notBefore = Date.now() + TRY_AGAIN_MS;
      this.#openOwn();
    }, MEET_MS);
  }

  #follow(blocks) {
    clearTimeout(this.#meeting);
    this.#closeOwn();
    this.#isFollowing = true;
    this.#asked = 0;
    this.#turn(this.#leaderStatus);
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
    const init = { data, lastEventId: id, origin };
    this.dispatchEvent(new StreamEvent(type, init, this.#isJson, this.#options.parse));
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
      // It has to be of the page's own origin. In this form bundlers find it.
      const worker = new SharedWorker(new URL('./shared_worker.js', import.meta.url), {
        type: 'module',
        name: 'sse-kafka-fanout',
      });
      worker.port.postMessage({ url, withCredentials });
      setTimeout(queue, WORKER_MS);
    } catch {
      queue();
    }
  }
}
