import { expect, test } from '@jest/globals';
import LongestFirst from './longest_first.mjs';

const ROOT = '/root';
const SOAK = 'test/soak/soak.test.ts';
const GAP = 'app/wire/gap.test.ts';
const NEW = 'app/not_listed.test.ts';

function tests(...files: readonly string[]) {
  return files.map((file) => ({ path: `${ROOT}/${file}`, context: { config: { rootDir: ROOT } } }));
}

test('sort() begins with what takes longest, and takes a new file for neither long nor short', () => {
  const sorted = new LongestFirst().sort(tests(GAP, NEW, SOAK));
  expect(sorted).toEqual(tests(SOAK, NEW, GAP));
});

test('shard() gives each file to one shard, and each shard about as many seconds', () => {
  const all = tests(GAP, NEW, SOAK);
  const shards = [1, 2].map((shardIndex) =>
    new LongestFirst().shard(all, { shardIndex, shardCount: 2 }),
  );
  expect(shards).toEqual([tests(SOAK), tests(NEW, GAP)]);
});
