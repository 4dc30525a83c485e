import type { Worker } from 'node:cluster';
import type { ClientChoice, ClientFilter, Clients } from '../../app/http/client_list.ts';
import type { PrimaryMessage } from './messages.ts';

/** How long workers may take to answer, in milliseconds. */
const DEADLINE_MS = 5000;

type Question =
  | { readonly kind: 'list clients'; readonly filter: ClientFilter }
  | { readonly kind: 'end clients'; readonly choice: ClientChoice };

interface Asked {
  /** Those whose answer is missing, or not whole yet. */
  readonly missing: Set<Worker>;
  readonly portions: string[];
  count: number;
  done(): void;
}

/** Who is connected to any of the workers. */
export class WorkerClients implements Clients {
  readonly #ask: (message: PrimaryMessage) => readonly Worker[];
  readonly #asked = new Map<number, Asked>();
  #number = 0;

  /** @param ask asks workers, each of which answers with the same number; gives those asked */
  constructor(ask: (message: PrimaryMessage) => readonly Worker[]) {
    this.#ask = ask;
  }

  async *list(filter: ClientFilter): AsyncGenerator<string> {
    const { portions } = await this.#askAll({ kind: 'list clients', filter });
    yield* portions;
  }

  async end(choice: ClientChoice): Promise<number> {
    const { count } = await this.#askAll({ kind: 'end clients', choice });
    return count;
  }

  told(number: number, lines: string): void {
    this.#asked.get(number)?.portions.push(lines);
  }

  toldAll(worker: Worker, number: number, count: number): void {
    const asked = this.#asked.get(number);
    if (asked === undefined) return;
    asked.count += count;
    this.#has(worker, asked);
  }

  /** Its clients are gone with it. */
  ended(worker: Worker): void {
    for (const asked of this.#asked.values()) this.#has(worker, asked);
  }

  #has(worker: Worker, asked: Asked): void {
    asked.missing.delete(worker);
    if (asked.missing.size === 0) asked.done();
  }

  /** @throws an error where not all of them answer. */
  async #askAll(question: Question): Promise<Asked> {
    const number = ++this.#number;
    const missing = new Set(this.#ask({ ...question, number }));
    const asked: Asked = { missing, portions: [], count: 0, done: () => {} };
    if (missing.size === 0) return asked;
    this.#asked.set(number, asked);
    try {
      await new Promise<void>((resolve, reject) => {
        const late = new Error('a worker does not answer');
        const timer = setTimeout(reject, DEADLINE_MS, late);
        asked.done = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    } finally {
      this.#asked.delete(number);
    }
    return asked;
  }
}
