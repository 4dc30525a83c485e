/**
 * What the death of some gateways does to the others, in virtual time: over the rules by which the
 * gateway lets in and tells when to come back, for as many clients as memory holds.
 *
 * @module
 */
import { retryOfRefusal, retryOfStream } from '../../app/http/retry.ts';
import { CountedSlots } from '../../app/http/stream_slots.ts';

export interface Storm {
  readonly clients: number;
  readonly gateways: number;
  /** So many of them die at once, by a power cut. */
  readonly lost: number;
  /** MAX_CONNECTIONS of each. */
  readonly maxConnections: number;
  /** What one connect costs a gateway: handshake, head, first bytes. Milliseconds of its one core. */
  readonly connectMs: number;
  /** Connections that the kernel holds for a gateway that has not taken them: the smaller of somaxconn and the server's own. */
  readonly backlog: number;
  /** After so many milliseconds the balancer sends nobody to a gateway that is dead. */
  readonly noticedMs: number;
}

export interface Aftermath {
  /** Those whose gateway died. */
  readonly thrownOut: number;
  /** By when so much of them was back, in milliseconds from the death on. */
  readonly back: { readonly half: number; readonly most: number; readonly all: number };
  /** How many were told that a gateway is full. */
  readonly refused: number;
  /** How often the kernel of a gateway had no room for a connection. */
  readonly dropped: number;
  readonly busiest: {
    /** Connects in its worst second. */
    readonly connectsPerSecond: number;
    /** The longest that somebody waited there to be let in. */
    readonly waitMs: number;
    /** Streams in the end. */
    readonly streams: number;
  };
}

/** TCP tries again after a second, then after twice as long each time. */
const FIRST_SYN_MS = 1000;
const MAX_SYN_TRIES = 6;
/** Whoever asks a machine that is gone learns so from the balancer. */
const UNREACHABLE_MS = 1;
/** As much of them as is told by `most`. */
const MOST = 0.99;
/** A storm that has not ended by then does not end. */
const MAX_MS = 600_000;

class Gateway {
  readonly slots: CountedSlots;
  streams = 0;
  /** When it is done with all that wait. */
  freeAt = 0;
  longestWaitMs = 0;
  readonly connects = new Map<number, number>();

  constructor(maxConnections: number) {
    this.slots = new CountedSlots({ maxConnections, maxConnectionsPerIp: 0 });
  }

  get worstSecond(): number {
    return Math.max(0, ...this.connects.values());
  }
}

/** @throws where not all are back within ten minutes: there is no room for them */
export function simulate(storm: Storm): Aftermath {
  const gateways = Array.from({ length: storm.gateways }, () => new Gateway(storm.maxConnections));
  for (let client = 0; client < storm.clients; client++) {
    const gateway = gateways[client % storm.gateways]!;
    if (gateway.slots.take('') !== null) throw new Error('there is no room before the storm');
    gateway.streams++;
  }
  const living = gateways.slice(storm.lost);
  const thrownOut = gateways.slice(0, storm.lost).reduce((sum, { streams }) => sum + streams, 0);
  const tries = new Queue(thrownOut);
  for (let client = 0; client < thrownOut; client++) tries.push(retryOfStream(), 0);
  const backAt: number[] = [];
  let refused = 0;
  let dropped = 0;
  while (backAt.length < thrownOut) {
    const { at, synTries } = tries.pop();
    if (at > MAX_MS) throw new Error(`${thrownOut - backAt.length} are not back: no room`);
    // The balancer sends to any of those that it takes for alive.
    const among = at < storm.noticedMs ? gateways : living;
    const gateway = among[Math.floor(Math.random() * among.length)]!;
    if (at < storm.noticedMs && gateways.indexOf(gateway) < storm.lost) {
      tries.push(at + UNREACHABLE_MS + retryOfStream(), 0);
      continue;
    }
    const waiting = Math.max(0, gateway.freeAt - at) / storm.connectMs;
    if (waiting >= storm.backlog) {
      dropped++;
      const again = FIRST_SYN_MS * 2 ** Math.min(synTries, MAX_SYN_TRIES);
      tries.push(at + again, synTries + 1);
      continue;
    }
    gateway.freeAt = Math.max(at, gateway.freeAt) + storm.connectMs;
    gateway.longestWaitMs = Math.max(gateway.longestWaitMs, gateway.freeAt - at);
    const second = Math.floor(gateway.freeAt / 1000);
    gateway.connects.set(second, (gateway.connects.get(second) ?? 0) + 1);
    const refusal = gateway.slots.take('');
    if (refusal === null) {
      gateway.streams++;
      backAt.push(gateway.freeAt);
    } else {
      refused++;
      tries.push(gateway.freeAt + retryOfRefusal(refusal), 0);
    }
  }
  backAt.sort((one, other) => one - other);
  const partBackAt = (part: number): number =>
    Math.round(backAt[Math.max(0, Math.ceil(part * thrownOut) - 1)] ?? 0);
  return {
    thrownOut,
    back: { half: partBackAt(0.5), most: partBackAt(MOST), all: partBackAt(1) },
    refused,
    dropped,
    busiest: {
      connectsPerSecond: Math.max(...living.map(({ worstSecond }) => worstSecond)),
      waitMs: Math.round(Math.max(...living.map(({ longestWaitMs }) => longestWaitMs))),
      streams: Math.max(...living.map(({ streams }) => streams)),
    },
  };
}

/** Tries in the order of their times: a binary heap in typed arrays. */
class Queue {
  readonly #times: Float64Array;
  readonly #synTries: Uint8Array;
  #size = 0;

  /** @param most that are in it at a time */
  constructor(most: number) {
    this.#times = new Float64Array(most + 1);
    this.#synTries = new Uint8Array(most + 1);
  }

  push(at: number, synTries: number): void {
    let place = ++this.#size;
    for (; place > 1 && this.#times[place >> 1]! > at; place >>= 1) this.#move(place >> 1, place);
    this.#times[place] = at;
    this.#synTries[place] = synTries;
  }

  pop(): { at: number; synTries: number } {
    const first = { at: this.#times[1]!, synTries: this.#synTries[1]! };
    const at = this.#times[this.#size]!;
    const synTries = this.#synTries[this.#size]!;
    this.#size--;
    let place = 1;
    for (let child = 2; child <= this.#size; child = 2 * place) {
      if (child < this.#size && this.#times[child + 1]! < this.#times[child]!) child++;
      if (this.#times[child]! >= at) break;
      this.#move(child, place);
      place = child;
    }
    this.#times[place] = at;
    this.#synTries[place] = synTries;
    return first;
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from]!;
    this.#synTries[to] = this.#synTries[from]!;
  }
}
