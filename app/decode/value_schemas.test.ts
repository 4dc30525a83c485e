import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { answerTo, CORPUS } from '../../test/values/corpus.ts';
import type { ValueSchema } from '../ports/values.ts';
import { type Decoder, decoderOf } from './decoder.ts';
import { Registry } from './registry.ts';

const OPTIONS = { strict: false, validateFormats: false, validateSchema: false };
/** The dialects of AsyncAPI and of OpenAPI. */
const DIALECTS = [new Ajv(OPTIONS), new Ajv2020(OPTIONS)];
let described = 0;

/** Whether both take a value for one of the schema. */
function judges({ component, components }: ValueSchema): (value: unknown) => unknown {
  const name = `description${described++}`;
  const all = DIALECTS.map((ajv) => {
    for (const one of Object.values(components)) {
      expect([one, ajv.validateSchema(one)]).toEqual([one, true]);
    }
    ajv.addSchema({ components: { schemas: components } }, name);
    return ajv.compile({ $ref: `${name}#/components/schemas/${component}` });
  });
  return (value) => all.flatMap((holds) => (holds(value) ? [] : holds.errors));
}

function schemaOf(type: string, schema: unknown, ...references: object[]): Promise<Decoder> {
  const text = typeof schema === 'string' ? schema : JSON.stringify(schema);
  const others = Object.entries(Object.assign({}, ...references));
  const found = others.map(([name, one]) => ({ name, text: JSON.stringify(one) }));
  return decoderOf({ type, text, references: found }, 'schema.1');
}

describe('Decoder.schema', () => {
  test('Decoder.schema is what the values are that the serializers of others wrote, and no more', async () => {
    const web = {
      async get(url: string) {
        const body = new TextEncoder().encode(JSON.stringify(answerTo(new URL(url).pathname)));
        return { status: 200, headers: new Headers(), body };
      },
    };
    const signIn = { registryUrl: null, registryUsername: null, registryPassword: null };
    const registry = new Registry(web, 'http://registry', signIn);
    // Of those made up at random some.
    const chosen = CORPUS.records.filter(({ title }) => !/^Avro \d*[1-9]\./.test(title));
    let known = 0;
    for (const id of new Set(chosen.map(({ schema }) => schema))) {
      const records = chosen.filter(({ schema }) => schema === id);
      const decoder = await decoderOf((await registry.schema(id))!, `schema.${id}`);
      for (const { value, headers } of records) {
        const [, header] = headers[0] ?? [];
        decoder.json(value.subarray(headers.length > 0 ? 0 : 5), header?.subarray(17) ?? null);
      }
      expect([records[0]!.title, decoder.schema]).not.toContain(null);
      const faults = judges(decoder.schema!);
      for (const { title, json } of records) {
        expect([title, faults(JSON.parse(json))]).toEqual([title, []]);
        known++;
      }
      const [{ title, json }] = records as [(typeof records)[0]];
      if (!title.startsWith('Avro') || !json.startsWith('{')) continue;
      expect([title, faults({ ...JSON.parse(json), more: 1 })]).not.toEqual([title, []]);
    }
    expect(known).toBe(chosen.length);
    expect(known).toBeGreaterThan(60);
  });

  test('Decoder.schema refers to a type of Avro that is within itself, and keeps its words', async () => {
    const { schema } = await schemaOf('AVRO', {
      type: 'record',
      name: 'Node',
      namespace: 'a.b',
      doc: 'One of a list.',
      fields: [
        { name: 'n', type: 'long' },
        { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['A', 'B'] } },
        { name: 'next', type: ['null', 'Node'] },
        { name: '__proto__', type: { type: 'map', values: 'double' } },
      ],
    });
    expect(JSON.parse(JSON.stringify(schema!.components))).toEqual({
      'schema.1': { $ref: '#/components/schemas/schema.1.a.b.Node' },
      'schema.1.a.b.Kind': { type: 'string', enum: ['A', 'B'] },
      'schema.1.a.b.Node': {
        type: 'object',
        description: 'One of a list.',
        properties: {
          n: { type: 'integer', format: 'int64' },
          kind: { $ref: '#/components/schemas/schema.1.a.b.Kind' },
          next: {
            anyOf: [{ type: 'null' }, { $ref: '#/components/schemas/schema.1.a.b.Node' }],
          },
          ['__proto__']: {
            type: 'object',
            additionalProperties: {
              anyOf: [{ type: 'number' }, { enum: ['NaN', 'Infinity', '-Infinity'] }],
            },
          },
        },
        required: ['n', 'kind', 'next', '__proto__'],
        additionalProperties: false,
      },
    });
  });

  test('Decoder.schema is of those messages of Protobuf that values were of, else of the first', async () => {
    const decoder = await schemaOf(
      'PROTOBUF',
      'syntax = "proto2"; package p; message A { required A2 a = 1; message A2 { repeated A as = 1; } } message B { optional uint64 big_one = 1; }',
    );
    expect(decoder.schema!.components['schema.1']).toEqual({
      $ref: '#/components/schemas/schema.1.p.A',
    });
    expect(Object.keys(decoder.schema!.components)).toEqual([
      ...['schema.1', 'schema.1.p.A', 'schema.1.p.A.A2'],
    ]);
    decoder.json(Uint8Array.of(2, 2, 8, 1), null);
    const faults = judges(decoder.schema!);
    expect(faults({ bigOne: '1' })).toEqual([]);
    expect(faults({ bigOne: 1 })).not.toEqual([]);
    expect(await schemaOf('PROTOBUF', 'syntax = "proto3";')).toHaveProperty('schema', null);
  });

  test('Decoder.schema of a JSON Schema follows its references, and those alone that lead somewhere', async () => {
    const { schema } = await schemaOf(
      'JSON',
      {
        $schema: 'http://json-schema.org/draft-07/schema#',
        $id: 'https://schemas.example/order.json',
        $ref: '#/definitions/Order',
        definitions: {
          Order: {
            type: 'object',
            properties: {
              id: { type: 'integer' },
              lines: { type: 'array', items: { $ref: 'line.json' } },
              parent: { $ref: 'https://schemas.example/order.json#/definitions/Order' },
              lost: { $ref: '#/definitions/None' },
              odd: { $ref: '#/definitions/Order/properties' },
              round: { $ref: '#/definitions/Round' },
            },
            required: ['id'],
          },
          Round: { $ref: '#/definitions/Round' },
        },
      },
      {
        'line.json': {
          type: 'object',
          properties: { sku: { $ref: '#/$defs/sku~1~0' } },
          $defs: { 'sku/~': { type: 'string' } },
        },
      },
    );
    const faults = judges(schema!);
    expect(
      faults({ id: 1, lines: [{ sku: 'a' }], parent: { id: 2 }, lost: 0, odd: 0, round: 0 }),
    ).toEqual([]);
    expect(faults({ id: 1, lines: [{ sku: 5 }] })).not.toEqual([]);
    expect(faults({ id: 1, parent: {} })).not.toEqual([]);
    expect(JSON.stringify(schema)).not.toMatch(/schemas\.example|None|\$schema/);
  });

  test.each([
    [{ type: 'number', minimum: 0, exclusiveMinimum: true }, 0],
    [{ not: { contains: { type: 'string' } } }, ['a']],
    ['{"oneOf": [{"if": {}, "then": {"const": 1}}, {"minLength": 2}]}', 'ab'],
    [{ items: [{ type: 'string' }, { type: 'number' }] }, ['a', 1]],
    [{ patternProperties: { '(': {} }, additionalProperties: false }, { '(': 1 }],
    [{ type: 'any', required: true, pattern: '(', enum: [], dependencies: { a: ['b'] } }, { a: 1 }],
    [{ $ref: '#', type: 'string' }, 1],
    [{ $ref: '#anchor' }, 1],
    [true, 1],
    ['"no schema"', 1],
  ])('Decoder.schema says of the JSON Schema %j no more than it does: %j', async (given, value) => {
    const { schema } = await schemaOf('JSON', given);
    expect(judges(schema!)(value)).toEqual([]);
  });

  test('Decoder.schema has a bound, and is not there where there is no schema', async () => {
    const fields = Array.from({ length: 3000 }, (_, i) => ({ name: `field${i}`, type: 'string' }));
    const large = await schemaOf('AVRO', { type: 'record', name: 'R', fields });
    expect(large.schema).toBeNull();
    expect(large.json(new Uint8Array(3000), null)).toHaveLength(43_891);
    expect(await schemaOf('JSON', '{')).toHaveProperty('schema', null);
    expect(await schemaOf('JSON', `${'['.repeat(50_000)}${']'.repeat(50_000)}`)).toBeDefined();
    const deep = await schemaOf('JSON', `${'{"items":'.repeat(20_000)}{}${'}'.repeat(20_000)}`);
    expect(deep.schema).toBeNull();
    expect(await schemaOf('AVRO', '{')).toHaveProperty('schema', null);
  });
});
