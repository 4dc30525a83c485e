import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

/** @typedef {{ path: string, context: { config: { rootDir: string } } }} Test */

/** Of a file that is not listed yet. */
const UNKNOWN_SECONDS = 20;

/** @type {Record<string, number>} seconds by file, written by `keep_durations.mjs` */
const DURATIONS = JSON.parse(readFileSync(new URL('durations.json', import.meta.url), 'utf8'));

/**
 * The order of test files: what takes long begins first, so that nothing long is left alone at the
 * end. With `--shard` each machine gets about as many seconds.
 */
export default class LongestFirst {
  /** @param {readonly Test[]} tests */
  sort(tests) {
    return [...tests].sort((a, b) => secondsOf(b) - secondsOf(a) || (a.path < b.path ? -1 : 1));
  }

  /**
   * @param {readonly Test[]} tests
   * @param {{ shardIndex: number, shardCount: number }} options the index counts from 1
   */
  shard(tests, { shardIndex, shardCount }) {
    const shards = Array.from({ length: shardCount }, () => ({
      seconds: 0,
      tests: /** @type {Test[]} */ ([]),
    }));
    for (const test of this.sort(tests)) {
      const least = shards.reduce((a, b) => (b.seconds < a.seconds ? b : a));
      least.tests.push(test);
      least.seconds += secondsOf(test);
    }
    return shards[shardIndex - 1]?.tests ?? [];
  }

  /** @param {readonly Test[]} tests */
  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {}
}

/** @param {Test} test */
function secondsOf({ path, context }) {
  const file = relative(context.config.rootDir, path);
  return DURATIONS[file] ?? UNKNOWN_SECONDS;
}
