/** What the values of a topic are, as the streams file says it. */
export const VALUE_KINDS = ['bytes', 'json', 'registry'] as const;
export type ValueKind = (typeof VALUE_KINDS)[number];

/** A value as people read it. */
export interface ReadValue {
  /** Its JSON, without white space around it; `null` where it cannot be read. Good until the next is read. */
  readonly json: Uint8Array | null;
  /** The id of the schema that it was written with, or its GUID; `null` where there is none. */
  readonly schema: number | string | null;
  /** Why it cannot be read; `null` where it can. */
  readonly error: string | null;
  /**
   * What it lacks to be read later: a schema that the registry does not have yet, or an answer of the
   * registry; left out where nothing will help.
   */
  readonly lacks?: 'schema' | 'answer';
}

/**
 * Reads the values of a topic: at once, of what is known at that time. What is in memory stays as
 * Kafka has it.
 */
export interface ValueReader {
  /** Whether also a plain stream shows the JSON: the bytes are no text. */
  readonly isBinary: boolean;
  read(
    value: Uint8Array,
    headers: readonly (readonly [name: string, value: Uint8Array | null])[],
  ): ReadValue;
}

export type JsonSchema = boolean | { readonly [word: string]: unknown };

/** What JSON comes of the values of one schema: parts of a description, which refer to each other. */
export interface ValueSchema {
  /** The one that the whole value is of. */
  readonly component: string;
  readonly components: Readonly<Record<string, JsonSchema>>;
  /** How many they are as JSON. */
  readonly characters: number;
}
