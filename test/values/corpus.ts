import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import type { Header } from '../../app/ports/source.ts';

/** What a registry answers. */
export interface SchemaAnswer {
  readonly schema: string;
  readonly schemaType?: string;
  readonly references?: readonly object[];
}

/** A value that a serializer of others made, and what has to come of it. */
export interface CorpusRecord {
  readonly title: string;
  readonly value: Uint8Array;
  readonly headers: readonly Header[];
  readonly schema: number | string;
  readonly json: string;
}

export interface Corpus {
  readonly schemas: Readonly<Record<string, SchemaAnswer>>;
  readonly guids: Readonly<Record<string, SchemaAnswer>>;
  /** By subject, a slash, and version. */
  readonly versions: Readonly<Record<string, SchemaAnswer>>;
  readonly records: readonly CorpusRecord[];
}

/** Made by `test/python/make_values.py`. */
export const CORPUS: Corpus = read('corpus.json');

/** Made by `test/java/src/MakeValues.java`, with ids of its own. */
export const APICURIO: Corpus = read('apicurio.json');

function read(name: string): Corpus {
  const file = new URL(name, import.meta.url);
  const read = JSON.parse(readFileSync(file, 'utf8'), (name, value) => {
    if (name === 'value') return bytesOf(value);
    if (name !== 'headers') return value;
    return value.map(([header, base64]: [string, string]) => [header, bytesOf(base64)]);
  });
  return { guids: {}, versions: {}, ...read };
}

/** Not a `Buffer`, which shares its memory with others. */
function bytesOf(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

/** What the registry answers to a path; `null` for 404. */
export function answerTo(path: string, corpus: Corpus = CORPUS): SchemaAnswer | null {
  const [, kind, name, of, version] = path.split('/').map(decodeURIComponent);
  if (kind === 'subjects') return corpus.versions[`${name}/${version}`] ?? null;
  return (name === 'ids' ? corpus.schemas : corpus.guids)[of!] ?? null;
}
