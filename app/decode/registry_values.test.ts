import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { runsOf } from '../../test/support/fuzz.ts';
import { APICURIO, answerTo, CORPUS } from '../../test/values/corpus.ts';
import { DecodeCounts } from '../counts/decode_counts.ts';
import type { WebAnswer } from '../ports/web.ts';
import { Registry } from './registry.ts';
import { RegistryValues } from './registry_values.ts';
import { SchemaWait } from './schema_wait.ts';
import { Schemas } from './schemas.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const NEVER = new AbortController().signal;

function answer(status: number, body: unknown): WebAnswer {
  return { status, headers: new Headers(), body: encoder.encode(JSON.stringify(body)) };
}

/** Reads values by the registry of the corpus, once it has all that they name. */
async function readerOf(
  records = CORPUS.records,
  corpus = CORPUS,
): Promise<{
  values: RegistryValues;
  counts: DecodeCounts;
}> {
  const web = {
    async get(url: string) {
      const found = answerTo(new URL(url).pathname, corpus);
      return answer(found === null ? 404 : 200, found);
    },
  };
  const signIn = { registryUrl: null, registryUsername: null, registryPassword: null };
  const schemas = new Schemas(new Registry(web, 'http://registry', signIn));
  const place = { partition: 0, offset: 0, timestamp: 0, key: null };
  await new SchemaWait(schemas, 1000).settle(
    records.map(({ value, headers }) => ({ ...place, value, headers })),
    NEVER,
  );
  const counts = new DecodeCounts();
  return { values: new RegistryValues(schemas, counts.of('t')), counts };
}

describe('RegistryValues', () => {
  test('RegistryValues.read() gives the JSON of all that the serializers of others wrote', async () => {
    const { values, counts } = await readerOf();
    for (const { title, value, headers, schema, json } of CORPUS.records) {
      const read = values.read(value, headers);
      expect([title, read.error, read.schema]).toEqual([title, null, schema]);
      const text = decoder.decode(read.json!);
      // Of the others the order of members may be another.
      if (title.startsWith('Avro')) expect([title, text]).toEqual([title, json]);
      else expect([title, JSON.parse(text)]).toEqual([title, JSON.parse(json)]);
    }
    expect(counts.of('t')).toMatchObject({ ok: CORPUS.records.length, malformed: 0 });
    expect(CORPUS.records.length).toBeGreaterThan(300);
  });

  test('RegistryValues.read() gives the JSON of what the serializers of Apicurio for Java wrote', async () => {
    const { values } = await readerOf(APICURIO.records, APICURIO);
    for (const { title, value, headers, schema, json } of APICURIO.records) {
      const read = values.read(value, headers);
      expect([title, read.error, read.schema]).toEqual([title, null, schema]);
      expect([title, decoder.decode(read.json!)]).toEqual([title, json]);
    }
    expect(APICURIO.records.length).toBeGreaterThan(5);
  });

  test('RegistryValues.read() tells of what is cut, or has bytes too many, and goes on', async () => {
    const { values } = await readerOf();
    for (const { title, value, headers } of CORPUS.records) {
      if (!title.startsWith('Avro')) continue;
      const longer = Uint8Array.of(...value, 0);
      expect([title, values.read(longer, headers).error]).toEqual([
        title,
        expect.stringMatching(/^not of schema .*: 1 bytes are left over$/),
      ]);
      const ends = Array.from({ length: Math.min(value.length, 60) }, (_, end) => end);
      const reads = ends.map((end) => values.read(value.subarray(0, end), headers));
      expect([title, reads.filter(({ json }) => json !== null)]).toEqual([title, []]);
    }
  });

  test('RegistryValues.read() ends at whatever bytes it is given, with JSON or an error', async () => {
    const { values } = await readerOf();
    const record = fc.constantFrom(...CORPUS.records);
    const twist = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(record, twist, fc.uint8Array({ maxLength: 20 }), (from, twists, more) => {
        const { value, headers } = from;
        const bytes = Uint8Array.of(...value, ...(twists.length > 4 ? more : []));
        const begin = headers.length > 0 ? 0 : 5;
        for (const [at, byte] of twists) bytes[begin + (at % (bytes.length - begin))] = byte;
        const read = values.read(bytes, headers);
        if (read.json === null) expect(read.error).toMatch(/^not of schema/);
        else expect(() => JSON.parse(decoder.decode(read.json!))).not.toThrow();
      }),
      { numRuns: runsOf(1000) },
    );
  });

  test('RegistryValues.read() tells of values without an id, and of ids that nobody knows', async () => {
    const [known] = CORPUS.records;
    const { values, counts } = await readerOf([
      known!,
      { ...known!, value: Uint8Array.of(0, 255, 255, 255, 255, 1) },
    ]);
    const errorOf = (...bytes: number[]): string | null =>
      values.read(Uint8Array.from(bytes), []).error;
    expect(errorOf()).toBe('no schema id');
    expect(errorOf(0x7b, 0x7d)).toBe('no schema id');
    expect(errorOf(0, 0, 0, 0)).toBe('no schema id');
    expect(errorOf(0, 255, 255, 255, 255, 1)).toBe('unknown schema 4294967295');
    expect(errorOf(0, 0, 0, 0, 77)).toBe('schema 77 could not be had from the registry');
    expect(counts.of('t')).toEqual({ ok: 0, malformed: 3, unknown_schema: 1, registry_down: 1 });
  });
});
