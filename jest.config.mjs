/**
 * Jest is the only test runner; Deno is driven as a child process by the same cases.
 *
 * @type {import('jest').Config}
 */
export const project = {
  testEnvironment: 'node',
  setupFilesAfterEnv: ['<rootDir>/test/support/note_processor_time.ts'],
  extensionsToTreatAsEsm: ['.ts'],
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
  '/test/docs/commands\\.test\\.ts$',
  '/test/(attack|conformance|proxies)/[^/]+\\.test\\.ts$',
  '/runtime/kafka/[^/]+\\.test\\.ts$',
];

/** @type {import('jest').Config} */
export default {
  maxWorkers: 2,
  testTimeout: 60_000,
  reporters: [
    'default',
    '<rootDir>/test/support/count_reporter.mjs',
    '<rootDir>/test/support/times_reporter.mjs',
  ],
  projects: [
    {
      ...project,
      displayName: 'code',
      testMatch: ['<rootDir>/{app,runtime,test,bench}/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '/test/(cluster|contract)/', ...WITH_KAFKA],
    },
    {
      ...project,
      displayName: 'contract',
      testMatch: ['<rootDir>/test/contract/*.test.ts'],
      globals: { FACE: 'simulated' },
      globalSetup: '<rootDir>/test/support/hosts_for_tests.mjs',
      globalTeardown: '<rootDir>/test/support/end_hosts_for_tests.mjs',
    },
    {
      ...project,
      displayName: 'kafka',
      testRegex: WITH_KAFKA,
      globalSetup: '<rootDir>/test/support/kafka_for_tests.mjs',
      globalTeardown: '<rootDir>/test/support/end_kafka_for_tests.mjs',
    },
  ],
};
