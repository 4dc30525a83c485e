import kafka from '@confluentinc/kafka-javascript';

const TICK_MS = 25;
/** What a pause of this process leaves undone is not made up for. */
const MOST_LATE_MS = 1000;
/** For as long as the broker is away. */
const QUEUE = 500_000;
const TOPIC_MS = 20_000;
/** One of so many records is of an order. */
const ORDER_SHARE = 0.1;
const SYLLABLES = 'BA CO DE FU GI HA JO KE LU MI NA PO RE SU TI VA WO XE YU ZI'.split(' ');

/** In cents. @typedef {{ symbol: string, first: number, now: number }} Quote */
/** @typedef {{ key: string, quote: number, side: string, quantity: number, filled: number }} Order */

/** 400 prices and 1,000 orders that change, written to Kafka. */
export class Market {
  static PRICES = 'prices';
  static ORDERS = 'orders';
  /** The last change of each price, all changes counted together. @type {Map<string, number>} */
  prices = new Map();
  /** How many events each order had. @type {Map<string, number>} */
  orders = new Map();
  #brokers;
  #rate;
  #producer;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #changes = 0;
  /** @type {Quote[]} */
  #quotes = [];
  /** @type {Order[]} */
  #book = [];

  /**
   * @param {string} brokers
   * @param {number} rate changes of prices a second
   */
  constructor(brokers, rate) {
    this.#brokers = brokers;
    this.#rate = rate;
    for (const a of SYLLABLES) {
      for (const b of SYLLABLES) {
        const first = 1000 + Math.floor(Math.random() * 40_000);
        this.#quotes.push({ symbol: a + b, first, now: first });
      }
    }
    for (let n = 1; n <= 1000; n++) this.#book.push(this.#newOrder(`order-${n}`));
    this.#producer = new kafka.Producer({
      'metadata.broker.list': brokers,
      'enable.metrics.push': false,
      // What is sent again after a broker was killed is written once.
      'enable.idempotence': true,
      'message.timeout.ms': 0,
      'linger.ms': 5,
      'queue.buffering.max.messages': QUEUE,
    });
    this.#producer.on('event.error', () => {}); // It comes back by itself.
  }

  async createTopics() {
    const admin = kafka.AdminClient.create({ 'metadata.broker.list': this.#brokers });
    // Small segments, so that the demo may run for a day: Kafka compacts those that are full.
    const small = { 'segment.bytes': '16777216' };
    await createTopic(admin, Market.PRICES, { 'cleanup.policy': 'compact', ...small });
    await createTopic(admin, Market.ORDERS, { 'cleanup.policy': 'delete', ...small });
    admin.disconnect();
  }

  async start() {
    await new Promise((done, fail) => {
      this.#producer.connect({ timeout: TOPIC_MS }, (error) => (error ? fail(error) : done(null)));
    });
    this.#producer.setPollInterval(50);
    let last = performance.now();
    let due = 0;
    this.#timer = setInterval(() => {
      const now = performance.now();
      due += (Math.min(now - last, MOST_LATE_MS) * this.#rate) / 1000;
      last = now;
      for (; due >= 1; due--) if (!this.#change()) due = 0;
    }, TICK_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#producer.disconnect();
  }

  /** @returns whether Kafka's client took it */
  #change() {
    const quote = pick(this.#quotes);
    quote.now = Math.max(100, Math.round(quote.now * (1 + (Math.random() - 0.5) / 500)));
    const seq = this.#changes + 1;
    const value = {
      symbol: quote.symbol,
      price: quote.now / 100,
      change: Math.round((quote.now / quote.first - 1) * 10_000) / 100,
      seq,
    };
    if (!this.#produce(Market.PRICES, quote.symbol, value)) return false;
    this.#changes = seq;
    this.prices.set(quote.symbol, seq);
    return Math.random() >= ORDER_SHARE || this.#changeOrder();
  }

  #changeOrder() {
    // Some orders are busier than others: the first ones.
    const at = Math.floor(Math.random() ** 2 * this.#book.length);
    const before = /** @type {Order} */ (this.#book[at]);
    const seq = (this.orders.get(before.key) ?? 0) + 1;
    const isNew = seq === 1 || before.filled === before.quantity;
    const order = isNew ? this.#newOrder(before.key) : fill(before);
    const { symbol, now } = /** @type {Quote} */ (this.#quotes[order.quote]);
    const { side, quantity, filled } = order;
    const value = { symbol, side, quantity, filled, price: now / 100, seq };
    if (!this.#produce(Market.ORDERS, order.key, value)) return false;
    this.#book[at] = order;
    this.orders.set(order.key, seq);
    return true;
  }

  /** @param {string} key */
  #newOrder(key) {
    const quote = Math.floor(Math.random() * this.#quotes.length);
    const quantity = 100 * (1 + Math.floor(Math.random() * 9));
    return { key, quote, side: pick(['buy', 'sell']), quantity, filled: 0 };
  }

  /** @param {string} topic @param {string} key @param {object} value */
  #produce(topic, key, value) {
    try {
      this.#producer.produce(topic, 0, Buffer.from(JSON.stringify(value)), key);
      return true;
    } catch (error) {
      if (/** @type {any} */ (error).code === kafka.CODES.ERRORS.ERR__QUEUE_FULL) return false;
      throw error;
    }
  }
}

/** @param {Order} order */
function fill(order) {
  const left = order.quantity - order.filled;
  return { ...order, filled: order.filled + Math.min(left, 10 + Math.floor(Math.random() * 190)) };
}

/** @template T @param {readonly T[]} all */
function pick(all) {
  return /** @type {T} */ (all[Math.floor(Math.random() * all.length)]);
}

/**
 * @param {ReturnType<typeof kafka.AdminClient.create>} admin
 * @param {string} topic
 * @param {Record<string, string>} config
 */
function createTopic(admin, topic, config) {
  const wanted = { topic, num_partitions: 1, replication_factor: 1, config };
  return new Promise((done, fail) => {
    admin.createTopic(wanted, TOPIC_MS, (error) => (error ? fail(error) : done(null)));
  });
}
