import type { Worker } from 'node:cluster';
import { getLogger } from '@logtape/logtape';
import type { Exposition } from '../../app/describe/metrics.ts';
import { coalesced } from '../../app/waits/coalesced.ts';
import { exposeProcess, type MetricValues, mergeMetrics } from '../process/prometheus.ts';

const logger = getLogger(['sse-kafka', 'workers']);

/** A worker that does not answer in this time stands there with what it told last, in milliseconds. */
const DEADLINE_MS = 2000;

/** `/metrics` of all workers as one, and of the process that has none of the streams. */
export class WorkerMetrics implements Exposition {
  readonly contentType: string;
  readonly #measure: (number: number) => readonly Worker[];
  readonly #own = exposeProcess();
  readonly #last = new Map<Worker, MetricValues>();
  /** What workers counted that have ended: a sum must never fall. */
  #gone: Promise<MetricValues> = Promise.resolve([]);
  #number = 0;
  /** Those of whom the answer to the last question is missing. */
  #missing = new Set<Worker>();
  #answered: () => void = () => {};
  readonly #ask = coalesced(() => this.#askAll());

  /** @param measure asks workers, each of which answers with the same number; gives those asked */
  constructor(measure: (number: number) => readonly Worker[]) {
    this.#measure = measure;
    this.contentType = this.#own.contentType;
  }

  async text(): Promise<string> {
    await this.#ask();
    const own = await this.#own.values();
    return mergeMetrics([own, await this.#gone, ...this.#last.values()]).text();
  }

  told(worker: Worker, number: number, values: MetricValues): void {
    this.#last.set(worker, values);
    if (number === this.#number) this.#has(worker);
  }

  ended(worker: Worker): void {
    const counted = (this.#last.get(worker) ?? []).filter(({ type }) => type !== 'gauge');
    this.#last.delete(worker);
    this.#gone = this.#gone.then((gone) => this.#with(gone, counted));
    this.#has(worker);
  }

  /** What cannot be added is left out: all that is told from then on would fail with it. */
  async #with(gone: MetricValues, counted: MetricValues): Promise<MetricValues> {
    try {
      return await mergeMetrics([gone, counted]).values();
    } catch (error) {
      logger.error('The counts of a worker that has ended are lost: {error}', { error });
      return gone;
    }
  }

  #askAll(): Promise<void> {
    const number = ++this.#number;
    this.#missing = new Set(this.#measure(number));
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, DEADLINE_MS);
      this.#answered = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#missing.size === 0) this.#answered();
    });
  }

  #has(worker: Worker): void {
    this.#missing.delete(worker);
    if (this.#missing.size === 0) this.#answered();
  }
}
