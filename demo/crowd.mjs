import { get } from 'node:http';
import { BlockParser, Comeback } from '../public/client/client_stream.js';
import { OrderAccount, PriceAccount } from './account.mjs';
import { Market } from './market.mjs';

/** @typedef {import('./account.mjs').Account} Account */

/** A gateway that died without a word is noticed after three heartbeats. */
const SILENCE_MS = 45_000;

/** Clients: every other one follows all prices, each of the rest an order of its own. */
export class Crowd {
  /** @type {Follower[]} */
  #followers = [];

  /**
   * @param {string} door
   * @param {number} size
   * @param {Market} market
   */
  constructor(door, size, market) {
    for (let n = 0; n < size; n++) {
      const order = `order-${1 + (n >> 1)}`;
      const isOfPrices = n % 2 === 0;
      const account = isOfPrices
        ? new PriceAccount(market.prices)
        : new OrderAccount(market.orders, order);
      const path = isOfPrices ? Market.PRICES : `${Market.ORDERS}?key=${order}`;
      this.#followers.push(new Follower(`${door}/${path}`, account));
    }
  }

  start() {
    for (const follower of this.#followers) follower.connect();
  }

  stop() {
    for (const follower of this.#followers) follower.close();
  }

  /** Looks at all of them. */
  look() {
    const sum = { clients: this.#followers.length, behind: 0, deliveries: 0, lost: 0, doubled: 0 };
    for (const { account, isOpen, deliveries, gaps } of this.#followers) {
      if (!account.look() || !isOpen) sum.behind++;
      sum.deliveries += deliveries;
      sum.lost += account.lost + gaps;
      sum.doubled += account.doubled;
    }
    return sum;
  }
}

/** A client that comes back with its last id, and keeps an account of what it gets. */
class Follower {
  isOpen = false;
  deliveries = 0;
  /** Told of by the gateway. */
  gaps = 0;
  account;
  #url;
  #id = '';
  #comeback = new Comeback(1000);
  /** @type {import('node:http').ClientRequest | null} */
  #request = null;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #isClosed = false;

  /** @param {string} url @param {Account} account */
  constructor(url, account) {
    this.#url = url;
    this.account = account;
  }

  connect() {
    const headers = {
      accept: 'text/event-stream',
      ...(this.#id === '' ? {} : { 'last-event-id': this.#id }),
    };
    this.#comeback.begin(this.#id);
    const options = { agent: false, headers, timeout: SILENCE_MS };
    const request = get(this.#url, options, (response) => {
      const parser = new BlockParser();
      this.isOpen = response.statusCode === 200;
      response.on('data', (bytes) => {
        for (const block of parser.feed(bytes)) this.#take(block);
      });
      response.on('error', () => {}); // It is closed, too.
    });
    this.#request = request;
    request.on('timeout', () => request.destroy());
    request.on('error', () => {});
    request.on('close', () => {
      this.isOpen = false;
      if (this.#isClosed) return;
      this.#timer = setTimeout(() => this.connect(), this.#comeback.wait(this.#id));
    });
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#request?.destroy();
  }

  /** @param {any} block */
  #take({ type, data, id, retry }) {
    if (retry !== undefined) this.#comeback.retryMs = retry;
    if (data !== null && type === 'message') {
      this.deliveries++;
      this.account.take(JSON.parse(data));
    } else if (type === 'gap') {
      this.gaps++;
    }
    if (id !== undefined) this.#id = id;
  }
}
