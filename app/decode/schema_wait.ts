import type { KafkaRecord } from '../ports/source.ts';
import type { ValueSchema } from '../ports/values.ts';
import { type SchemaKey, schemaIdOf } from './schema_id.ts';
import type { Schemas } from './schemas.ts';

/** Of a topic so many are kept in mind: those that were used last. */
const MAX_USED = 8;

/** Lets the records of a topic wait for their schemas. */
export class SchemaWait {
  readonly #schemas: Schemas;
  readonly #waitMs: number;
  readonly #now: () => number;
  /** In which outage of the registry it waited last, and until when. */
  #outage = -1;
  #until = 0;
  /** The schemas of its records, the one used last at the end. */
  readonly #used = new Set<SchemaKey>();
  #last: SchemaKey | null = null;

  /**
   * @param waitMs how long, once in an outage
   * @param now milliseconds of a clock that only goes forward
   */
  constructor(schemas: Schemas, waitMs: number, now: () => number = () => performance.now()) {
    this.#schemas = schemas;
    this.#waitMs = waitMs;
    this.#now = now;
  }

  /** What is known of the schemas of its records, that of the last one first. */
  get schemas(): ValueSchema[] {
    return [...this.#used].reverse().flatMap((id) => this.#schemas.get(id)?.schema ?? []);
  }

  /** Ends once each schema is known, or known not to be there; or it has waited long enough. */
  async settle(records: readonly KafkaRecord[], signal: AbortSignal): Promise<void> {
    const open = new Set<SchemaKey>();
    for (const { value, headers } of records) {
      const id = value === null ? null : (schemaIdOf(value, headers)?.id ?? null);
      if (id === null || id === this.#last) continue;
      if (!this.#noteUsed(id) && !this.#schemas.isSettled(id)) open.add(id);
    }
    const began = this.#now();
    while (!signal.aborted) {
      for (const id of open) {
        if (this.#schemas.isSettled(id)) {
          open.delete(id);
          this.#noteUsed(id);
        } else if (!this.#schemas.want(id)) break;
      }
      if (open.size === 0) return;
      const leftMs = this.#left(began);
      if (leftMs <= 0) return;
      await this.#schemas.changed(leftMs, signal);
    }
  }

  /** @returns false where it is not known: whoever may write can make up ids */
  #noteUsed(id: SchemaKey): boolean {
    if (this.#schemas.get(id) === null) return false;
    this.#used.delete(id);
    this.#used.add(id);
    this.#last = id;
    if (this.#used.size > MAX_USED) {
      const [oldest] = this.#used;
      this.#used.delete(oldest!);
    }
    return true;
  }

  /** A registry that answers is waited for: each question has its own end. */
  #left(began: number): number {
    if (this.#schemas.status.up) return Number.MAX_SAFE_INTEGER;
    if (this.#outage !== this.#schemas.outages) {
      this.#outage = this.#schemas.outages;
      this.#until = began + this.#waitMs;
    }
    return this.#until - this.#now();
  }
}
