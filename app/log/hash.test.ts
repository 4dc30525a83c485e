import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Hash128 } from './hash.ts';

const REFERENCE_SEED = Uint8Array.from({ length: 16 }, (_, i) => i);
const UUID = '550e8400-e29b-41d4-a716-446655440000';

describe('Hash128', () => {
  // The reference vectors of SipHash-2-4-128: the bytes 00 01 02 ... under the key 00 01 ... 0f.
  // OpenSSL 3.0 (`openssl mac -macopt size:16 ... SIPHASH`) and the PyPI package siphash-cffi 0.1.4
  // agree on them, and on those of the next test.
  test.each<[length: number, hash: string]>([
    [4, 'f88164c12d9c8faf7d0f6e7c7bcd5579'],
    [5, '1368875980776f8854527a07690e9627'],
    [6, '14eeca338b208613485ea0308fd7a15e'],
    [7, 'a1f1ebbed8dbc153c0b84aa61ff08239'],
    [8, '3b62a9ba6258f5610f83e264f31497b4'],
    [9, '264499060ad9baabc47f8b02bb6d71ed'],
    [11, '0151c568386b6677a2b4dc6f81e5dc18'],
    [12, 'd626b266905ef35882634df68532c125'],
    [13, '9869e247e9c08b10d029934fc4b952f7'],
    [15, '5493e99933b0a8117e08ec0f97cfc3d9'],
    [16, '6ee2a4ca67b054bbfd3315bf85230577'],
    [20, '9e25fc833f2290733e9344a5e83839eb'],
    [40, 'df6a301e95c95dad97ae0cc8c6913bd8'],
    [63, '5150d1772f50834a503e069a973fbd7c'],
  ])('Hash128 hashes partition and key as the %d bytes of a reference vector', (length, hash) => {
    const key = Uint8Array.from({ length: length - 4 }, (_, i) => i + 4);
    expect(hashOf(seeded(REFERENCE_SEED), 0x03020100, key)).toBe(hash);
  });

  const FALLING = Uint8Array.from({ length: 256 }, (_, i) => 255 - i);
  const EDGES = '000000800000008000000080ffffff7f';
  test.each<[seed: string, partition: number, key: Uint8Array | string, hash: string]>([
    ['00'.repeat(16), 0, '', '5566204992cc0b718ef957ae8955ffdd'],
    ['00'.repeat(16), 1, 'a', '01ac21c33a2f17148d935a45d815e417'],
    ['ff'.repeat(16), 999, 'abcdefgh', '9e71ffc8f3670b22db31599b493b9563'],
    ['ff'.repeat(16), 7, FALLING, '5459aad65f10b6343245a522cccb92b0'],
    [EDGES, 2 ** 31 - 1, UUID, 'f3431563e4ea167ede83123758ff216e'],
    [EDGES, 7, FALLING, '576502de7e64ebde5183f9056ea0cb6b'],
  ])('Hash128 with the seed %s hashes partition %d and a key', (seed, partition, key, hash) => {
    const hash128 = seeded(Buffer.from(seed, 'hex'));
    expect(hashOf(hash128, partition, Buffer.from(key))).toBe(hash);
  });

  test('Hash128 agrees with SipHash in whole 64-bit numbers on any seed, partition and key', () => {
    expect(siphash(REFERENCE_SEED, [])).toBe('a3817f04ba25a8e66df67214c7550293');
    expect(siphash(REFERENCE_SEED, [0])).toBe('da87c1d86b99af44347659119b22fc45');
    const anySeed = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const anyKey = fc.uint8Array({ maxLength: 600, size: 'max' });
    fc.assert(
      fc.property(anySeed, fc.nat(2 ** 31 - 1), anyKey, (seed, partition, key) => {
        const bytes = [0, 8, 16, 24].map((bits) => (partition >>> bits) & 0xff);
        expect(hashOf(seeded(seed), partition, key)).toBe(siphash(seed, [...bytes, ...key]));
      }),
    );
  });

  test('Hash128 sees no byte outside of a view, and keeps nothing of the last key', () => {
    const around = Buffer.from(`xx${UUID}yyyyyyyyyyyyyyyy`);
    const hash = seeded(REFERENCE_SEED);
    for (let length = 0; length <= UUID.length; length++) {
      const view = around.subarray(2, 2 + length);
      const alone = seeded(REFERENCE_SEED);
      expect(hashOf(hash, 0, view)).toBe(hashOf(alone, 0, Uint8Array.from(view)));
    }
  });

  test('Hash128 tells zeros at the end of a key apart', () => {
    const hash = seeded(REFERENCE_SEED);
    const lengths = Array.from({ length: 600 }, (_, length) => length);
    expect(new Set(lengths.map((n) => hashOf(hash, 0, new Uint8Array(n)))).size).toBe(600);
  });

  test('Hash128 is seeded anew in each object, and by every byte of the seed', () => {
    const key = Buffer.from(UUID);
    expect(hashOf(new Hash128(), 0, key)).not.toBe(hashOf(new Hash128(), 0, key));
    const seeds = Array.from({ length: 16 }, (_, at) => new Uint8Array(16).fill(1, at, at + 1));
    expect(new Set(seeds.map((seed) => hashOf(seeded(seed), 0, key))).size).toBe(16);
  });

  test('Hash128 tells the same key apart in each of 1,000 partitions', () => {
    for (const key of ['', 'a', 'abcd', 'abcdefghijklmno', UUID]) {
      const hash = seeded(REFERENCE_SEED);
      const hashes = new Set<string>();
      for (let partition = 0; partition < 1000; partition++) {
        hashes.add(hashOf(hash, partition, Buffer.from(key)));
      }
      expect(hashes.size).toBe(1000);
    }
  });

  test('Hash128 takes no bytes of a key for those of the partition', () => {
    const hash = seeded(REFERENCE_SEED);
    const partitions = [0, 1, 0x0100, 0x01000000, 0x01010101];
    const keys = ['', '00', '01', '0001', '00000001', '01000000', '01010101', '0000000001000000'];
    const hashes = partitions.flatMap((partition) =>
      keys.map((key) => hashOf(hash, partition, Buffer.from(key, 'hex'))),
    );
    expect(new Set(hashes).size).toBe(partitions.length * keys.length);
  });

  // Key and partition in one lane of 32 bits would make some of these meet.
  test('Hash128 tells short keys apart across partitions', () => {
    const count = 100_000;
    const hash = seeded(REFERENCE_SEED);
    const hashes = new Set<string>();
    for (let i = 0; i < count; i++) {
      const key = Buffer.from(i.toString(36).padStart(4, '0'));
      hashes.add(hashOf(hash, Math.imul(i, 0x9e3779b1) >>> 28, key));
    }
    expect(hashes.size).toBe(count);
  });

  // A hash that only mixes well can be attacked, whatever its seed: with MurmurHash3 (x86_128) a
  // record of the second key would supersede one of the first.
  test('Hash128 tells two keys apart that are made to meet in MurmurHash3', () => {
    const keys = [
      '416e206f7264696e617279206b6579206f66207468697274792d74776f206279',
      '363d11d07264696e61727920eabfbdca6f6633c868697274792d74776f206279',
    ];
    const hash = new Hash128();
    const [hash1, hash2] = keys.map((key) => hashOf(hash, 3, Buffer.from(key, 'hex')));
    expect(hash1).not.toBe(hash2);
  });
});

function seeded(seed: Uint8Array): Hash128 {
  return new Hash128(new Uint32Array(Uint8Array.from(seed).buffer));
}

function hashOf(hash: Hash128, partition: number, key: Uint8Array): string {
  hash.update(partition, key);
  return Buffer.from(hash.words.buffer).toString('hex');
}

/** SipHash-2-4-128 of a message, with a BigInt for each of its 64-bit numbers. */
function siphash(seed: Uint8Array, message: readonly number[]): string {
  const k0 = Buffer.from(seed).readBigUInt64LE(0);
  const k1 = Buffer.from(seed).readBigUInt64LE(8);
  let v0 = k0 ^ 0x736f6d6570736575n;
  let v1 = k1 ^ 0x646f72616e646f6dn ^ 0xeen;
  let v2 = k0 ^ 0x6c7967656e657261n;
  let v3 = k1 ^ 0x7465646279746573n;
  const add = (a: bigint, b: bigint): bigint => BigInt.asUintN(64, a + b);
  const rotate = (value: bigint, bits: bigint): bigint =>
    BigInt.asUintN(64, value << bits) | (value >> (64n - bits));
  const rounds = (count: number): void => {
    for (let round = 0; round < count; round++) {
      v0 = add(v0, v1);
      v2 = add(v2, v3);
      v1 = rotate(v1, 13n) ^ v0;
      v3 = rotate(v3, 16n) ^ v2;
      v0 = add(rotate(v0, 32n), v3);
      v2 = add(v2, v1);
      v3 = rotate(v3, 21n) ^ v0;
      v1 = rotate(v1, 17n) ^ v2;
      v2 = rotate(v2, 32n);
    }
  };
  const blocks = Buffer.alloc(message.length - (message.length % 8) + 8);
  blocks.set(message);
  blocks[blocks.length - 1] = message.length;
  for (let at = 0; at < blocks.length; at += 8) {
    const block = blocks.readBigUInt64LE(at);
    v3 ^= block;
    rounds(2);
    v0 ^= block;
  }
  const result = Buffer.alloc(16);
  v2 ^= 0xeen;
  rounds(4);
  result.writeBigUInt64LE(v0 ^ v1 ^ v2 ^ v3, 0);
  v1 ^= 0xddn;
  rounds(4);
  result.writeBigUInt64LE(v0 ^ v1 ^ v2 ^ v3, 8);
  return result.toString('hex');
}
