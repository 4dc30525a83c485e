import type { DecodeResult } from '../counts/decode_counts.ts';
import type { ReadValue, ValueReader } from '../ports/values.ts';
import { jsonText } from './json_text.ts';

const NOT_JSON: ReadValue = { json: null, schema: null, error: 'not JSON' };

/** `value: json`: values that are JSON as they stand. */
export class JsonValues implements ValueReader {
  readonly isBinary = false;
  readonly #counts: Record<DecodeResult, number>;

  constructor(counts: Record<DecodeResult, number>) {
    this.#counts = counts;
  }

  read(value: Uint8Array): ReadValue {
    const json = jsonText(value);
    this.#counts[json === null ? 'malformed' : 'ok']++;
    return json === null ? NOT_JSON : { json, schema: null, error: null };
  }
}
