import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { nowMicros } from './clock.mjs';
import { GzipBody } from './gzip_body.mjs';
import { H2Connection } from './h2_connection.mjs';
import { countStamps, StampReader } from './stamp.mjs';

const READ_BYTES = 64 * 1024;
/** Connects under way at a time where they are not asked for at once. */
const CONNECTING = 128;
/** Clients whose every stamp is read, for the latency and the order; all are counted. */
const SAMPLED = 100;
const HEAD_END = Buffer.from('\r\n\r\n');
const ID = Buffer.from('\nid:');
const LF = 0x0a;

/** All clients read into the same bytes: what came is counted before the next read. */
const buffer = Buffer.alloc(READ_BYTES);

/**
 * @typedef {object} CrowdOptions
 * @property {string} url
 * @property {readonly string[]} [paths] each client has one of them, in turn, in the place of the url's
 * @property {number} clients
 * @property {boolean} atOnce all connects in one tick
 * @property {boolean} [mayBeRefused] those that are do not count
 * @property {number} [streams] of each connection of HTTP/2, over TLS; default: HTTP/1.1
 * @property {Keys} [keys] a record is for those clients alone that have its key
 * @property {boolean} [keepsIds] for those who come back, see `returning`
 * @property {boolean} [returning] each with the id that the client of its number had last
 * @property {boolean} [ordered] whether the records come in the order they were sent; default true
 * @property {boolean} [gzip] asked for; then those that are sampled are decoded, and stand for all
 * @property {number} [lastSeq] a client is done once it has this record; of keys, the last of its own up to it
 */

/**
 * The keys of the records: that of record `seq` is `seq * stride` modulo `count`. Client n asks for
 * n modulo `count`, or for all of them.
 *
 * @typedef {object} Keys
 * @property {number} count
 * @property {number} stride has no divisor in common with it
 * @property {boolean} all whether each client has all of them
 */

/** Many clients of one stream, on raw sockets: a parser for each would cost more than the server. */
export class Crowd {
  deliveries = 0;
  bytes = 0;
  reads = 0;
  closed = 0;
  done = 0;
  lost = 0;
  repeated = 0;
  /** Microseconds, while `sampling`. @type {number[]} */
  latencies = [];
  sampling = false;
  /** Milliseconds from the first connect to a client's first byte of the body. @type {number[]} */
  firstBytes = [];
  /** ... and to its record `lastSeq`. @type {number[]} */
  doneAfter = [];
  /** Of records that came to a client that has another key. */
  foreign = 0;
  /** The longest way of a record to any client, in microseconds, while `sampling`. */
  slowest = 0;
  /** @type {Client[]} */
  clients = [];
  /** @type {{ end(): void }[]} */
  #connections = [];
  #options;
  #ids;
  #begun = 0;
  #changed = () => {};

  /**
   * @param {CrowdOptions} options
   * @param {readonly string[]} ids with which they come, by number
   */
  constructor(options, ids = []) {
    this.#options = options;
    this.#ids = ids;
  }

  /** The last that each had. */
  get ids() {
    return this.clients.map(({ id }) => id);
  }

  /** Ends once every client has its first byte. */
  async connect() {
    const { clients, atOnce, mayBeRefused = false } = this.#options;
    this.#begun = performance.now();
    const more = () => {
      const room = atOnce ? clients : CONNECTING + this.firstBytes.length + this.closed;
      while (this.clients.length < Math.min(room, clients)) this.#add();
    };
    more();
    await this.#until(() => {
      more();
      if (this.closed > 0 && !mayBeRefused) {
        throw new Error(`${this.closed} of ${clients} clients were refused`);
      }
      return this.firstBytes.length + this.closed >= clients;
    });
  }

  #add() {
    const { streams, clients } = this.#options;
    const from = this.clients.length;
    const count = Math.min(streams ?? 1, clients - from);
    for (let n = from; n < from + count; n++) {
      this.clients.push(new Client(this, this.#options, n, this.#ids[n] ?? ''));
    }
    const added = this.clients.slice(from);
    const { hostname: host, port: text } = new URL(this.#options.url);
    const port = Number(text);
    const tls = { host, port, ALPNProtocols: ['h2'], rejectUnauthorized: false };
    this.#connections.push(
      streams !== undefined
        ? new H2Connection(connectTls(tls), host, added)
        : /** @type {Client} */ (added[0]).connect(host, port),
    );
  }

  /** How many have not had the last record of one of their keys. @param {number} records that were sent */
  lacking(records) {
    return this.clients.filter((client) => !client.hasLastOf(records)).length;
  }

  /** Ends once every client has the record `lastSeq`. */
  async complete() {
    await this.#until(() => {
      if (this.closed > 0) throw new Error(`${this.closed} clients were cut`);
      return this.done === this.#options.clients;
    });
  }

  /** @param {() => boolean} look */
  async #until(look) {
    while (!look()) await new Promise((resolve) => (this.#changed = () => resolve(null)));
  }

  hasFirstByte() {
    this.firstBytes.push(performance.now() - this.#begun);
    this.#changed();
  }

  isDone() {
    this.done++;
    this.doneAfter.push(performance.now() - this.#begun);
    this.#changed();
  }

  isClosed() {
    this.closed++;
    this.#changed();
  }

  end() {
    for (const connection of this.#connections) connection.end();
  }
}

/** On a connection of its own, or as a stream of one of HTTP/2. */
class Client {
  deliveries = 0;
  /** Of the last block that it had. */
  id = '';
  /** @type {Record<string, string>} */
  headers = { accept: 'text/event-stream' };
  path;
  #crowd;
  #keepsIds;
  #keys;
  /** Its own, -1 for all of them. */
  #key = -1;
  /** Of each key the last record that it had. @type {Map<number, number>} */
  #lastOf = new Map();
  #head = '';
  #inBody = false;
  #empty = true;
  #isClosed = false;
  /** @type {StampReader | null} */
  #stamps = null;
  #ordered;
  #last;
  /** @type {GzipBody | null} */
  #gzip = null;
  /** Deliveries that one of its own stands for. */
  #weight = 1;
  /** Of the last read, where `last` may be cut. */
  #tail = Buffer.alloc(0);

  /**
   * @param {Crowd} crowd
   * @param {CrowdOptions} options
   * @param {number} index
   * @param {string} id
   */
  constructor(crowd, options, index, id) {
    const { url, paths, clients, lastSeq, ordered = true, gzip = false } = options;
    const { keys = null, keepsIds = false } = options;
    const { pathname, search } = new URL(url);
    this.path = paths?.[index % paths.length] ?? pathname + search;
    this.#crowd = crowd;
    this.#ordered = ordered;
    this.#keepsIds = keepsIds;
    this.#keys = keys;
    if (keys !== null && !keys.all) this.#key = index % keys.count;
    if (gzip) this.headers['accept-encoding'] = 'gzip';
    if (id !== '') this.headers['last-event-id'] = id;
    const last = lastSeq === undefined ? null : this.#lastUpTo(lastSeq);
    this.#last = last === null ? null : Buffer.from(`:${last};`);
    if (index % Math.ceil(clients / SAMPLED) === 0) {
      this.#stamps = new StampReader((micros, seq) => this.#sample(micros, seq));
    } else if (keys !== null) {
      this.#stamps = new StampReader((micros, seq) => this.#note(micros, seq));
    }
    if (gzip) {
      const isSampled = this.#stamps !== null;
      this.#weight = isSampled ? Math.ceil(clients / SAMPLED) : 0;
      this.#gzip = new GzipBody((bytes) => this.#count(bytes, bytes.length));
    }
  }

  /**
   * By a connection of HTTP/1.1.
   *
   * @param {string} host
   * @param {number} port
   */
  connect(host, port) {
    const socket = connect({
      host,
      port,
      onread: {
        buffer,
        callback: (length) => {
          if (!this.#read(length)) socket.destroy();
          return true;
        },
      },
    });
    socket.on('error', () => {});
    socket.on('close', () => this.onClose());
    const headers = Object.entries({ host: `${host}:${port}`, ...this.headers });
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    socket.write(`GET ${this.path} HTTP/1.1\r\n${lines}\r\n`);
    return {
      end() {
        socket.removeAllListeners('close');
        socket.destroy();
      },
    };
  }

  /** @param {boolean} isOk */
  onHead(isOk) {
    if (!isOk) this.onClose();
  }

  /** @param {Buffer} bytes */
  onData(bytes) {
    const crowd = this.#crowd;
    if (this.#empty) {
      this.#empty = false;
      crowd.hasFirstByte();
    }
    crowd.bytes += bytes.length;
    crowd.reads++;
    this.#count(bytes, bytes.length);
    if (this.#last !== null) this.#lookForLast(this.#last, bytes, bytes.length);
  }

  onClose() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#crowd.isClosed();
  }

  /** The last of its records among those up to one. @param {number} seq */
  #lastUpTo(seq) {
    while (this.#key >= 0 && this.#keyOf(seq) !== this.#key) seq--;
    return seq;
  }

  /** @param {number} seq */
  #keyOf(seq) {
    return this.#keys === null ? 0 : (seq * this.#keys.stride) % this.#keys.count;
  }

  /** @param {number} records */
  hasLastOf(records) {
    const { count = 0 } = this.#keys ?? {};
    for (let seq = Math.max(0, records - count); seq < records; seq++) {
      const key = this.#keyOf(seq);
      const isMine = this.#key < 0 || this.#key === key;
      if (isMine && this.#lastOf.get(key) !== seq) return false;
    }
    return true;
  }

  /**
   * @param {number} length of what is in `buffer`
   * @returns {boolean} whether it goes on
   */
  #read(length) {
    const crowd = this.#crowd;
    let from = 0;
    if (this.#empty) {
      from = this.#inBody ? 0 : this.#skipHead(length);
      if (from < 0) return false;
      if (from < length) {
        this.#empty = false;
        crowd.hasFirstByte();
      }
    }
    crowd.bytes += length;
    crowd.reads++;
    if (this.#gzip === null) this.#count(buffer, length);
    else if (this.#weight > 0) this.#gzip.read(buffer, from, length);
    if (this.#last !== null) this.#lookForLast(this.#last, buffer, length);
    return true;
  }

  /**
   * @param {Buffer} bytes
   * @param {number} length
   */
  #count(bytes, length) {
    const count = countStamps(bytes, length) * this.#weight;
    this.deliveries += count;
    this.#crowd.deliveries += count;
    this.#stamps?.read(bytes, length);
    if (this.#keepsIds) this.#keepId(bytes.subarray(0, length));
  }

  /** An id that is cut is that of the block before it. @param {Buffer} bytes */
  #keepId(bytes) {
    const at = bytes.lastIndexOf(ID);
    const end = at < 0 ? -1 : bytes.indexOf(LF, at + ID.length);
    if (end >= 0) this.id = bytes.toString('latin1', at + ID.length, end);
  }

  /**
   * @param {number} length
   * @returns {number} where the body begins, `length` where it has not begun; -1 where there is none
   */
  #skipHead(length) {
    const before = this.#head.length;
    this.#head += buffer.toString('latin1', 0, length);
    const end = this.#head.indexOf(HEAD_END.toString('latin1'));
    if (end < 0) return length;
    if (!this.#head.startsWith('HTTP/1.1 200')) return -1;
    this.#inBody = true;
    return end + HEAD_END.length - before;
  }

  /**
   * @param {number} micros
   * @param {number} seq
   */
  #sample(micros, seq) {
    const crowd = this.#crowd;
    if (crowd.sampling) crowd.latencies.push(nowMicros() - micros);
    this.#note(micros, seq);
  }

  /**
   * @param {number} micros
   * @param {number} seq
   */
  #note(micros, seq) {
    const crowd = this.#crowd;
    const key = this.#keyOf(seq);
    if (crowd.sampling) crowd.slowest = Math.max(crowd.slowest, nowMicros() - micros);
    if (this.#key >= 0 && key !== this.#key) crowd.foreign++;
    const before = this.#lastOf.get(key) ?? -1;
    this.#lastOf.set(key, seq);
    if (!crowd.sampling || !this.#ordered) return;
    // Who has all keys may have one that supersedes others.
    const step = this.#keys === null ? 1 : this.#keys.count;
    if (seq <= before) crowd.repeated++;
    else if (before >= 0 && this.#keys?.all !== true) crowd.lost += (seq - before) / step - 1;
  }

  /**
   * @param {Buffer} last
   * @param {Buffer} bytes
   * @param {number} length
   */
  #lookForLast(last, bytes, length) {
    const piece = bytes.subarray(0, length);
    const joint = Buffer.concat([this.#tail, piece.subarray(0, last.length)]);
    if (piece.includes(last) || joint.includes(last)) {
      this.#last = null;
      this.#crowd.isDone();
    } else {
      this.#tail = Buffer.from(piece.subarray(-last.length));
    }
  }
}
