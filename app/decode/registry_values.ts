import type { DecodeResult } from '../counts/decode_counts.ts';
import type { Header } from '../ports/source.ts';
import type { ReadValue, ValueReader } from '../ports/values.ts';
import { Malformed } from './malformed.ts';
import { schemaIdOf } from './schema_id.ts';
import type { Schemas } from './schemas.ts';

/** Of what a value is not, in an answer: names and texts of a schema may be long. */
const MAX_WORDS = 200;

/** `value: registry`: values with the id of a schema, which a registry has. */
export class RegistryValues implements ValueReader {
  readonly isBinary = true;
  readonly #schemas: Schemas;
  readonly #counts: Record<DecodeResult, number>;

  constructor(schemas: Schemas, counts: Record<DecodeResult, number>) {
    this.#schemas = schemas;
    this.#counts = counts;
  }

  read(value: Uint8Array, headers: readonly Header[]): ReadValue {
    const named = schemaIdOf(value, headers);
    if (named === null) return this.#unread('malformed', 'no schema id');
    const { id, begin, rest } = named;
    const decoder = this.#schemas.get(id);
    if (decoder === null) {
      if (this.#schemas.isUnknown(id))
        return this.#unread('unknown_schema', `unknown schema ${id}`);
      return this.#unread('registry_down', `schema ${id} could not be had from the registry`);
    }
    try {
      const json = decoder.json(value.subarray(begin), rest);
      this.#counts.ok++;
      return { json, schema: id, error: null };
    } catch (error) {
      // A RangeError: its stack, or a number that is too large. Nothing that a producer writes ends a feed.
      const words = error instanceof Malformed ? error.message : (error as Error).name;
      return this.#unread('malformed', `not of schema ${id}: ${words}`.slice(0, MAX_WORDS));
    }
  }

  #unread(result: DecodeResult, error: string): ReadValue {
    this.#counts[result]++;
    const unread = { json: null, schema: null, error };
    if (result === 'malformed') return unread;
    return { ...unread, lacks: result === 'registry_down' ? 'answer' : 'schema' };
  }
}
