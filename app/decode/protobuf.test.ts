import { describe, expect, test } from '@jest/globals';
import { ProtobufSchema } from './protobuf.ts';

function jsonOf(text: string, ...bytes: number[]): unknown {
  const json = new ProtobufSchema(text, []).json(Uint8Array.from(bytes), null);
  return JSON.parse(new TextDecoder().decode(json));
}

describe('ProtobufSchema', () => {
  test('ProtobufSchema.json() finds the message by its indexes, entries of maps counted', () => {
    const text = `syntax = "proto3";
      message A { message B { int32 b = 1; } map<string, int32> m = 1; message C { int32 c = 1; } }
      message D { int32 d = 1; }`;
    expect(jsonOf(text, 0)).toEqual({});
    expect(jsonOf(text, 0x02, 0x02, 0x08, 0x05)).toEqual({ d: 5 });
    expect(jsonOf(text, 0x04, 0x00, 0x00, 0x08, 0x05)).toEqual({ b: 5 });
    expect(jsonOf(text, 0x04, 0x00, 0x04, 0x08, 0x05)).toEqual({ c: 5 });
    expect(() => jsonOf(text, 0x02, 0x04)).toThrow('no message 2 in it');
    expect(() => jsonOf(text, 0x01)).toThrow('message indexes that are none');
    expect(() => jsonOf(text)).toThrow('it ends too early');
  });

  test('ProtobufSchema.json() finds the message by its name, as Apicurio writes it', () => {
    const text =
      'message A { optional int32 a = 1; } message Bc { message De { optional int32 d = 1; } }';
    const named = (name: string): number[] => [
      name.length + 2,
      0x0a,
      name.length,
      ...new TextEncoder().encode(name),
    ];
    expect(jsonOf(text, ...named('A'), 0x08, 5)).toEqual({ a: 5 });
    expect(jsonOf(text, ...named('De'), 0x08, 5)).toEqual({ d: 5 });
    expect(() => jsonOf(text, ...named('F'), 0x08, 5)).toThrow('message indexes that are none');
  });

  test('ProtobufSchema.json() reads files of editions, by their features', () => {
    const text = `edition = "2023"; option features.field_presence = IMPLICIT;
      message M {
        int32 plain = 1; int32 told = 2 [features.field_presence = EXPLICIT];
        repeated int32 packed = 3; M inner = 4 [features.message_encoding = DELIMITED];
        E e = 5; enum E { option features.enum_type = OPEN; ZERO = 0; }
      }`;
    const bytes = [0x08, 0, 0x10, 0, 0x1a, 2, 1, 2, 0x23, 0x08, 7, 0x24, 0x28, 9];
    expect(jsonOf(text, 0, ...bytes)).toEqual({
      told: 0,
      packed: [1, 2],
      inner: { plain: 7 },
      e: 9,
    });
  });

  test('ProtobufSchema.json() finds a type in the scopes around it, the inner one first', () => {
    const text = `syntax = "proto3"; package a.b;
      message T { int32 outer = 1; }
      message M { message T { int32 inner = 1; } T t = 1; .a.b.T u = 2; b.T v = 3; a.b.M.T w = 4; }`;
    const bytes = [0x0a, 2, 8, 1, 0x12, 2, 8, 2, 0x1a, 2, 8, 3, 0x22, 2, 8, 4];
    expect(jsonOf(text, 0x02, 0x02, ...bytes)).toEqual({
      t: { inner: 1 },
      u: { outer: 2 },
      v: { outer: 3 },
      w: { inner: 4 },
    });
  });

  test.each([
    ['message M {', 'it ends too early'],
    ['message M { int32 a = x; }', '"x" where a number should be'],
    ['message M { Nowhere n = 1; }', 'no type Nowhere'],
    ['massage M {}', '"massage" where a definition should be'],
    ['edition = "1999";', 'the edition 1999'],
    ['import x;', '"x" where a text should be'],
    ['import "x', 'without an end'],
    ['/* open', 'without an end'],
  ])('ProtobufSchema() refuses %j: %s', (text, why) => {
    expect(() => new ProtobufSchema(text, [])).toThrow(why);
  });

  test('ProtobufSchema() ends at a file that is deep, and at a value that is', () => {
    const depth = 50_000;
    const deep = `${'message M {'.repeat(depth)}${'}'.repeat(depth)}`;
    expect(() => new ProtobufSchema(deep, [])).toThrow(RangeError);
    expect(() => new ProtobufSchema('/*'.repeat(500_000), [])).toThrow('without an end');
    let bytes: number[] = [];
    for (let n = 0; n < 300; n++) {
      const { length } = bytes;
      bytes = [0x0a, ...(length < 128 ? [length] : [(length & 127) | 128, length >> 7]), ...bytes];
    }
    expect(() => jsonOf('message M { optional M m = 1; }', 0, ...bytes)).toThrow('recursion depth');
  });
});
