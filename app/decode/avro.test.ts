import { describe, expect, test } from '@jest/globals';
import { AvroSchema } from './avro.ts';

function jsonOf(schema: unknown, ...bytes: number[]): string {
  const json = new AvroSchema(JSON.stringify(schema), []).json(Uint8Array.from(bytes));
  return new TextDecoder().decode(json);
}

const repeat = (count: number, ...bytes: number[]): number[] =>
  Array.from({ length: count }, () => bytes).flat();

describe('AvroSchema', () => {
  test.each([
    ['long', [...repeat(9, 0xff), 0x01], '-9223372036854775808'],
    ['long', [0xfe, ...repeat(8, 0xff), 0x01], '9223372036854775807'],
    ['long', [0x80, ...repeat(8, 0x80), 0x00], '0'],
    ['int', [0x80, 0x00], '0'],
    ['double', [0, 0, 0, 0, 0, 0, 0, 0x80], '-0'],
    ['float', [0, 0, 0xc0, 0x7f], '"NaN"'],
    [{ type: 'array', items: 'int' }, [0x03, 0x04, 0x02, 0x04, 0x02, 0x06, 0x00], '[1,2,3]'],
    [{ type: 'record', name: 'R', fields: [] }, [], '{}'],
    [{ type: { type: 'string' } }, [0x02, 0x61], '"a"'],
  ])('AvroSchema.json() reads %j of the bytes %j as %s', (schema, bytes, json) => {
    expect(jsonOf(schema, ...bytes)).toBe(json);
  });

  const bytes = (scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision: 9, scale });
  test.each([
    [bytes(2), [0x04, 0xff, 0x7f], '"-1.29"'],
    [bytes(2), [0x02, 0xfb], '"-0.05"'],
    [bytes(0), [0x06, 0x00, 0x00, 0x05], '"5"'],
    [bytes(3), [0x00], '"0.000"'],
    [bytes(2), [0x02, 0x80], '"-1.28"'],
    [{ ...bytes(2), precision: 0 }, [0x02, 0x80], '"gA=="'],
    [bytes(10), [0x02, 0x80], '"gA=="'],
    [{ type: 'fixed', name: 'F', size: 1, logicalType: 'decimal', precision: 2 }, [0x63], '"99"'],
    [{ type: 'fixed', name: 'F', size: 1, logicalType: 'decimal', precision: 3 }, [0x63], '"Yw=="'],
    [{ type: 'fixed', name: 'F', size: 2, logicalType: 'duration' }, [0, 1], '"AAE="'],
    [{ type: 'long', logicalType: 'timestamp-micros' }, [0x02], '1'],
  ])('AvroSchema.json() reads the logical type %j of the bytes %j as %s', (schema, given, json) => {
    expect(jsonOf(schema, ...given)).toBe(json);
  });

  test.each<[schema: unknown, bytes: number[], why: string]>([
    ['int', [0x80, 0x80, 0x80, 0x80, 0x20], 'an int of more than 32 bits'],
    ['long', [...repeat(9, 0xff), 0x02], 'more than 64 bits'],
    ['boolean', [2], 'neither 0 nor 1'],
    ['string', [0x02, 0xff], 'no UTF-8'],
    ['string', [0x01], 'a length that is none'],
    ['string', [0xfe, 0xff, 0xff, 0xff, 0x0f, 0x61], 'it ends too early'],
    [['null', 'int'], [0x04], 'a branch that its union has not'],
    [['null', 'int'], [0x01], 'a branch that its union has not'],
    [{ type: 'enum', name: 'E', symbols: ['A'] }, [0x02], 'a symbol that its enum has not'],
    ['null', [0], '1 bytes are left over'],
  ])('AvroSchema.json() refuses for %j the bytes %j: %s', (schema, given, why) => {
    expect(() => jsonOf(schema, ...given)).toThrow(why);
  });

  const endless = [...repeat(6, 0xfe), 0x7f];
  test.each<[what: string, schema: unknown, bytes: number[], why: string]>([
    ['items that take nothing', { type: 'array', items: 'null' }, endless, 'bytes of JSON'],
    [
      'a record of its own type',
      { type: 'record', name: 'R', fields: [{ name: 'r', type: 'R' }] },
      [],
      'more than 500 deep',
    ],
    [
      'a list of its own type',
      { type: 'record', name: 'R', fields: [{ name: 'r', type: { type: 'array', items: 'R' } }] },
      repeat(2000, 0x02),
      'more than 500 deep',
    ],
    ['digits without end', bytes(2), [0xd0, 0x1f, ...repeat(2024, 0x7f)], 'more than 1000 bytes'],
  ])('AvroSchema.json() ends at %s', (_, schema, given, why) => {
    expect(() => jsonOf(schema, ...given)).toThrow(why);
  });

  test('AvroSchema.json() ends where records hold each other twice, and take no byte', () => {
    let schema: unknown = 'null';
    for (let n = 0; n < 60; n++) {
      const again = n === 0 ? 'null' : `R${n - 1}`;
      const fields = [
        { name: 'a', type: schema },
        { name: 'b', type: again },
      ];
      schema = { type: 'record', name: `R${n}`, fields };
    }
    expect(() => jsonOf(schema)).toThrow('bytes of JSON');
  });

  test.each<unknown>([
    'strin',
    {},
    null,
    [null],
    { type: 'record', name: 'R' },
    { type: 'record', fields: [] },
    { type: 'record', name: 'R', fields: [{}] },
    { type: 'enum', name: 'E' },
    { type: 'fixed', name: 'F', size: -1 },
    { type: 'array' },
  ])('AvroSchema() refuses the schema %j', (schema) => {
    expect(() => new AvroSchema(JSON.stringify(schema), [])).toThrow(Error);
  });
});
