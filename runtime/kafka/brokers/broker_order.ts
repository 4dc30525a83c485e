import { getLogger } from '@logtape/logtape';
import type { Broker } from '@platformatic/kafka';
import { parseBroker } from '../protocol/platformatic_on_node20.ts';
import type { KafkaConnection } from './kafka_connection.ts';

/** How long one is waited for before the next is asked beside it, in milliseconds. */
const NEXT_MS = 1000;

const logger = getLogger(['sse-kafka', 'brokers']);

const orders = new WeakMap<KafkaConnection, BrokerOrder>();

/** Brokers to ask what any of them knows: first the one that answered last. */
export class BrokerOrder {
  readonly #bootstrap: readonly Broker[];
  #brokers: readonly Broker[];
  /** Those that could not be connected to when that was tried last. */
  readonly #lost = new Set<string>();
  /** Whether the first one has answered, and not failed since. */
  #isKnown = false;

  /** The one of a connection: who of the brokers answers is found out once for all its clients. */
  static of(connection: KafkaConnection): BrokerOrder {
    let order = orders.get(connection);
    if (order === undefined) {
      order = new BrokerOrder(connection.brokers.map((broker) => parseBroker(broker)));
      orders.set(connection, order);
    }
    return order;
  }

  constructor(bootstrap: readonly Broker[]) {
    this.#bootstrap = bootstrap;
    this.#brokers = bootstrap;
  }

  get all(): readonly Broker[] {
    return this.#brokers;
  }

  /**
   * For a client that tries them by chance: the one that answered last, so that it meets none that is
   * silent; all where none is known to answer.
   */
  get best(): readonly Broker[] {
    return this.#isKnown ? this.#brokers.slice(0, 1) : this.#brokers;
  }

  /** Whether the settings name it, and not only other brokers. */
  isBootstrap(broker: Broker): boolean {
    return this.#bootstrap.some((one) => key(one) === key(broker));
  }

  connected(broker: Broker): void {
    if (this.#lost.delete(key(broker))) {
      logger.info('Connected to broker {broker} again', { broker: key(broker) });
    }
  }

  /** Told once, however many try; what is to be done about it is told by whoever asks. */
  unreachable(broker: Broker, error: string): void {
    if (this.#lost.has(key(broker))) return;
    this.#lost.add(key(broker));
    logger.info('No connection to broker {broker}: {error}', { broker: key(broker), error });
  }

  /** @param others whom it named */
  answered(broker: Broker, others: readonly Broker[]): void {
    this.#brokers = distinct([broker, ...this.#bootstrap, ...others]);
    this.#isKnown = true;
  }

  /** It gave no answer: the others are better. */
  failed(broker: Broker): void {
    if (key(this.#brokers[0]!) === key(broker)) this.#isKnown = false;
    this.#brokers = distinct([...this.#brokers.filter((one) => key(one) !== key(broker)), broker]);
  }

  /**
   * The first answer of any of them. One that is silent, as a machine that is gone or hangs, holds up
   * nobody for long: the next is asked meanwhile.
   * @throws an AggregateError once all have failed.
   */
  ask<T>(question: (broker: Broker) => Promise<T>): Promise<T> {
    const brokers = this.#brokers;
    return new Promise((resolve, reject) => {
      const errors: unknown[] = [];
      let asked = 0;
      let isOver = false;
      let timer: ReturnType<typeof setTimeout>;
      const end = (): void => {
        isOver = true;
        clearTimeout(timer);
      };
      const askNext = (): void => {
        clearTimeout(timer);
        const broker = brokers[asked];
        if (isOver || broker === undefined) return;
        asked++;
        timer = setTimeout(askNext, NEXT_MS);
        question(broker).then(
          (answer) => {
            end();
            resolve(answer);
          },
          (error) => {
            this.failed(broker);
            errors.push(error);
            askNext();
            if (errors.length < brokers.length) return;
            end();
            reject(new AggregateError(errors, 'no broker answers'));
          },
        );
      };
      askNext();
    });
  }
}

/** Each address once, in order. */
function distinct(brokers: readonly Broker[]): Broker[] {
  const byAddress = new Map<string, Broker>();
  for (const broker of brokers) {
    const { host, port } = broker;
    if (!byAddress.has(key(broker))) byAddress.set(key(broker), { host, port });
  }
  return [...byAddress.values()];
}

function key({ host, port }: Broker): string {
  return `${host}:${port}`;
}
