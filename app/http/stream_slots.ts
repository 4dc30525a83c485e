import type { Config } from '../config/config.ts';
import type { RefusalReason } from '../ports/stream_observer.ts';

/** Who lets streams in: each takes a slot, and gives it back when it is over. */
export interface StreamSlots {
  /** @returns why there is none; `null` where one was taken. */
  take(address: string): RefusalReason | null | Promise<RefusalReason | null>;
  /** @param address the one that it was taken for */
  release(address: string): void;
}

type Limits = Pick<Config, 'maxConnections' | 'maxConnectionsPerIp'>;

/** Counts the streams of this process against `MAX_CONNECTIONS` and `MAX_CONNECTIONS_PER_IP`. */
export class CountedSlots implements StreamSlots {
  readonly #limits: Limits;
  readonly #byAddress = new Map<string, number>();
  #count = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  take(address: string): RefusalReason | null {
    const { maxConnections, maxConnectionsPerIp } = this.#limits;
    if (maxConnections > 0 && this.#count >= maxConnections) return 'max_connections';
    if (maxConnectionsPerIp > 0) {
      const ofAddress = this.#byAddress.get(address) ?? 0;
      if (ofAddress >= maxConnectionsPerIp) return 'max_connections_per_ip';
      this.#byAddress.set(address, ofAddress + 1);
    }
    this.#count++;
    return null;
  }

  release(address: string): void {
    this.#count--;
    const ofAddress = this.#byAddress.get(address);
    if (ofAddress === undefined) return;
    if (ofAddress > 1) this.#byAddress.set(address, ofAddress - 1);
    else this.#byAddress.delete(address);
  }
}
