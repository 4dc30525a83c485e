import type { Broker } from '@platformatic/kafka';

/** Brokers to ask what any of them knows: first the one that answered last. */
export class BrokerOrder {
  readonly #bootstrap: readonly Broker[];
  #brokers: readonly Broker[];

  constructor(bootstrap: readonly Broker[]) {
    this.#bootstrap = bootstrap;
    this.#brokers = bootstrap;
  }

  get all(): readonly Broker[] {
    return this.#brokers;
  }

  /** @param others whom it named */
  answered(broker: Broker, others: readonly Broker[]): void {
    this.#brokers = distinct([broker, ...this.#bootstrap, ...others]);
  }

  /** It took the connection and gave no answer: the others are better. */
  failed(broker: Broker): void {
    this.#brokers = distinct([...this.#brokers.filter((one) => key(one) !== key(broker)), broker]);
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
