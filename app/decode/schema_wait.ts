import type { KafkaRecord } from '../ports/source.ts';
import { type SchemaKey, schemaIdOf } from './schema_id.ts';
import type { Schemas } from './schemas.ts';

/** Lets the records of a topic wait for their schemas. */
export class SchemaWait {
  readonly #schemas: Schemas;
  readonly #waitMs: number;
  readonly #now: () => number;
  /** In which outage of the registry it waited last, and until when. */
  #outage = -1;
  #until = 0;

  /**
   * @param waitMs how long, once in an outage
   * @param now milliseconds of a clock that only goes forward
   */
  constructor(schemas: Schemas, waitMs: number, now: () => number = () => performance.now()) {
    this.#schemas = schemas;
    this.#waitMs = waitMs;
    this.#now = now;
  }

  /** Ends once each schema is known, or known not to be there; or it has waited long enough. */
  async settle(records: readonly KafkaRecord[], signal: AbortSignal): Promise<void> {
    const open = new Set<SchemaKey>();
    for (const { value, headers } of records) {
      const named = value === null ? null : schemaIdOf(value, headers);
      if (named !== null && !this.#schemas.isSettled(named.id)) open.add(named.id);
    }
    const began = this.#now();
    while (!signal.aborted) {
      for (const id of open) {
        if (this.#schemas.isSettled(id)) open.delete(id);
        else if (!this.#schemas.want(id)) break;
      }
      if (open.size === 0) return;
      const leftMs = this.#left(began);
      if (leftMs <= 0) return;
      await this.#schemas.changed(leftMs, signal);
    }
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
