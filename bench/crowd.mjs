import { connect } from 'node:net';
import { nowMicros } from './clock.mjs';
import { GzipBody } from './gzip_body.mjs';
import { countStamps, StampReader } from './stamp.mjs';

const READ_BYTES = 64 * 1024;
/** Connects under way at a time where they are not asked for at once. */
const CONNECTING = 128;
/** Clients whose every stamp is read, for the latency and the order; all are counted. */
const SAMPLED = 100;
const HEAD_END = Buffer.from('\r\n\r\n');

/** All clients read into the same bytes: what came is counted before the next read. */
const buffer = Buffer.alloc(READ_BYTES);

/**
 * @typedef {object} CrowdOptions
 * @property {string} url
 * @property {number} clients
 * @property {boolean} atOnce all connects in one tick
 * @property {boolean} [ordered] whether the records come in the order they were sent; default true
 * @property {boolean} [gzip] asked for; then those that are sampled are decoded, and stand for all
 * @property {number} [lastSeq] a client is done once it has this record
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
  /** @type {Client[]} */
  clients = [];
  #options;
  #begun = 0;
  #changed = () => {};

  /** @param {CrowdOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Ends once every client has its first byte. */
  async connect() {
    const { clients, atOnce } = this.#options;
    this.#begun = performance.now();
    const more = () => {
      const room = atOnce ? clients : CONNECTING + this.firstBytes.length + this.closed;
      while (this.clients.length < Math.min(room, clients)) {
        this.clients.push(new Client(this, this.#options, this.clients.length));
      }
    };
    more();
    await this.#until(() => {
      more();
      if (this.closed > 0) throw new Error(`${this.closed} of ${clients} clients were refused`);
      return this.firstBytes.length === clients;
    });
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
    for (const client of this.clients) client.end();
  }
}

class Client {
  deliveries = 0;
  #crowd;
  #socket;
  #head = '';
  #inBody = false;
  #empty = true;
  #seq = -1;
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
   */
  constructor(crowd, { url, clients, lastSeq, ordered = true, gzip = false }, index) {
    const { hostname, port, pathname, search, host } = new URL(url);
    this.#crowd = crowd;
    this.#ordered = ordered;
    this.#last = lastSeq === undefined ? null : Buffer.from(`:${lastSeq};`);
    if (index % Math.ceil(clients / SAMPLED) === 0) {
      this.#stamps = new StampReader((micros, seq) => this.#sample(micros, seq));
    }
    if (gzip) {
      const isSampled = this.#stamps !== null;
      this.#weight = isSampled ? Math.ceil(clients / SAMPLED) : 0;
      this.#gzip = new GzipBody((bytes) => this.#count(bytes, bytes.length));
    }
    this.#socket = connect({
      host: hostname,
      port: Number(port),
      onread: {
        buffer,
        callback: (length) => {
          this.#read(length);
          return true;
        },
      },
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => crowd.isClosed());
    this.#socket.write(
      `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nAccept: text/event-stream\r\n` +
        `${gzip ? 'Accept-Encoding: gzip\r\n' : ''}\r\n`,
    );
  }

  end() {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  /** @param {number} length of what is in `buffer` */
  #read(length) {
    const crowd = this.#crowd;
    let from = 0;
    if (this.#empty) {
      from = this.#inBody ? 0 : this.#skipHead(length);
      if (from < length) {
        this.#empty = false;
        crowd.hasFirstByte();
      }
    }
    crowd.bytes += length;
    crowd.reads++;
    if (this.#gzip === null) this.#count(buffer, length);
    else if (this.#weight > 0) this.#gzip.read(buffer, from, length);
    if (this.#last !== null) this.#lookForLast(this.#last, length);
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
  }

  /**
   * @param {number} length
   * @returns {number} where the body begins, `length` where it has not begun
   */
  #skipHead(length) {
    const before = this.#head.length;
    this.#head += buffer.toString('latin1', 0, length);
    const end = this.#head.indexOf(HEAD_END.toString('latin1'));
    if (end < 0) return length;
    if (!this.#head.startsWith('HTTP/1.1 200')) {
      this.#socket.destroy();
      return length;
    }
    this.#inBody = true;
    return end + HEAD_END.length - before;
  }

  /**
   * @param {number} micros
   * @param {number} seq
   */
  #sample(micros, seq) {
    const crowd = this.#crowd;
    if (crowd.sampling) {
      crowd.latencies.push(nowMicros() - micros);
      if (!this.#ordered) return;
      if (seq <= this.#seq) crowd.repeated++;
      else if (this.#seq >= 0) crowd.lost += seq - this.#seq - 1;
    }
    this.#seq = seq;
  }

  /**
   * @param {Buffer} last
   * @param {number} length
   */
  #lookForLast(last, length) {
    const piece = buffer.subarray(0, length);
    const joint = Buffer.concat([this.#tail, piece.subarray(0, last.length)]);
    if (piece.includes(last) || joint.includes(last)) {
      this.#last = null;
      this.#crowd.isDone();
    } else {
      this.#tail = Buffer.from(piece.subarray(-last.length));
    }
  }
}
