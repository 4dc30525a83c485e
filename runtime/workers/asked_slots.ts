import type { StreamSlots } from '../../app/http/stream_slots.ts';
import type { RefusalReason } from '../../app/ports/stream_observer.ts';
import type { WorkerMessage } from './messages.ts';

/** A primary process that does not answer in this time has no slot to give, in milliseconds. */
const DEADLINE_MS = 5000;

/** The slots of a worker: each is asked of the primary process, which counts those of all. */
export class AskedSlots implements StreamSlots {
  readonly #send: (message: WorkerMessage) => void;
  readonly #asked = new Map<number, (refusal: RefusalReason | null) => void>();
  /** Of those for which no answer came in time. */
  readonly #givenUp = new Map<number, string>();
  #number = 0;

  constructor(send: (message: WorkerMessage) => void) {
    this.#send = send;
  }

  take(address: string): Promise<RefusalReason | null> {
    const number = this.#number++;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#asked.delete(number);
        this.#givenUp.set(number, address);
        resolve('max_connections');
      }, DEADLINE_MS);
      this.#asked.set(number, (refusal) => {
        clearTimeout(timer);
        resolve(refusal);
      });
      this.#send({ kind: 'take', number, address });
    });
  }

  /** What the primary process answered. */
  taken(number: number, refusal: RefusalReason | null): void {
    this.#asked.get(number)?.(refusal);
    this.#asked.delete(number);
    const address = this.#givenUp.get(number);
    this.#givenUp.delete(number);
    if (address !== undefined && refusal === null) this.release(address);
  }

  release(address: string): void {
    this.#send({ kind: 'release', address });
  }
}
