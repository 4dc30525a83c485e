import { availableParallelism, totalmem } from 'node:os';
import process from 'node:process';
import { bundledClient } from './test/support/bundled_client.mjs';

/**
 * Jest is the only test runner; Deno is driven as a child process by the same cases.
 *
 * @type {import('jest').Config}
 */
export const project = {
  testEnvironment: '<rootDir>/test/support/environment.mjs',
  setupFilesAfterEnv: ['<rootDir>/test/support/note_processor_time.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    ...(await bundledClient()),
    '^playwright-core$': '<rootDir>/test/support/load_once/playwright_core.cjs',
    '^ajv/dist/2020\\.js$': '<rootDir>/test/support/load_once/ajv_2020.cjs',
  },
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.cache/', '<rootDir>/.data/'],
};

/** Suites that need a real Kafka; it is started only when one of them runs. */
const WITH_KAFKA = [
  '/test/docs/(commands|examples)\\.test\\.ts$',
  '/test/(conformance|proxies)/[^/]+\\.test\\.ts$',
  '/runtime/kafka/(source_[^/]+|protocol/fetch_response)\\.test\\.ts$',
];
/** Suites that have no shared Kafka, but run programs of the system, or compute for long. */
const WITH_PROGRAMS = [
  '/install/prepare\\.test\\.ts$',
  '/runtime/embedded_kafka/(embedded_kafka|main|storage)\\.test\\.ts$',
  '/sse_cat/(package|sse_cat)\\.test\\.ts$',
  '/test/(client|model|scripts)/[^/]+\\.test\\.ts$',
];
/** Suites that only `npm run test:all` runs. */
const LONG = [
  '/test/(attack|brokers|engines|monitoring|sign_in)/[^/]+\\.test\\.ts$',
  '/demo/demo\\.test\\.ts$',
  '/test/docs/(examples_from_nothing|install_lines|recipes)\\.test\\.ts$',
  '/test/soak/soak\\.test\\.ts$',
];

const KAFKA = {
  globalSetup: '<rootDir>/test/support/kafka_for_tests.mjs',
  globalTeardown: '<rootDir>/test/support/end_kafka_for_tests.mjs',
};
const quick = {
  ...project,
  displayName: 'quick',
  testMatch: ['<rootDir>/{app,runtime,install,release,sse_cat,test,bench,demo}/**/*.test.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    '/test/(cluster|contract)/',
    ...WITH_KAFKA,
    ...WITH_PROGRAMS,
    ...LONG,
  ],
};
const programs = { ...project, displayName: 'programs', testRegex: WITH_PROGRAMS };
const kafka = { ...project, ...KAFKA, displayName: 'kafka', testRegex: WITH_KAFKA };
const long = { ...project, ...KAFKA, displayName: 'long', testRegex: LONG };

/** The same cases of the contract, with a Kafka in memory and with a real one. */
const contract = {
  ...project,
  displayName: 'contract',
  testMatch: ['<rootDir>/test/contract/*.test.ts'],
  globals: { FACE: 'simulated' },
  globalSetup: '<rootDir>/test/support/hosts_for_tests.mjs',
  globalTeardown: '<rootDir>/test/support/end_hosts_for_tests.mjs',
};
const realContract = {
  ...contract,
  ...KAFKA,
  displayName: 'contract with Kafka',
  globals: { FACE: 'real' },
};

const USUAL = [quick, contract, programs, kafka];
/** By TEST_TIER, as the scripts of package.json set it; without one a suite of any may be named. */
const TIERS = new Map([
  ['quick', [quick]],
  ['usual', USUAL],
  ['all', [...USUAL, realContract, long]],
]);

/** Most suites wait rather than compute. A worker has gateways, and often a Kafka of its own. */
const WORKERS_PER_CORE = 3;
const BYTES_PER_WORKER = 1.5 * 2 ** 30;
/** With more of them the longest suite alone says when a run ends. */
const MOST_WORKERS = 8;

function workers() {
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const wanted = Math.floor(availableParallelism() * WORKERS_PER_CORE);
  return Math.max(2, Math.min(wanted, Math.floor(memory / BYTES_PER_WORKER), MOST_WORKERS));
}

/** @type {import('jest').Config} */
export default {
  maxWorkers: workers(),
  // Each wait of a case has its own deadline: this one is for cases that have many.
  testTimeout: 600_000,
  testSequencer: '<rootDir>/test/support/longest_first.mjs',
  // Of `npm run coverage`.
  coverageProvider: 'v8',
  collectCoverageFrom: ['{app,runtime}/**/*.ts', '!**/*.test.ts'],
  coverageDirectory: '.cache/coverage',
  coverageReporters: ['text', 'text-summary', 'lcovonly'],
  reporters: [
    'default',
    '<rootDir>/test/support/count_reporter.mjs',
    '<rootDir>/test/support/times_reporter.mjs',
  ],
  projects: TIERS.get(process.env['TEST_TIER'] ?? '') ?? [...USUAL, long],
};
