import { project } from '../../jest.config.mjs';

/** What needs a Kubernetes cluster and a Docker engine: `npm run test:cluster`. */
/** @type {import('jest').Config} */
export default {
  ...project,
  rootDir: '../..',
  displayName: 'cluster',
  testMatch: ['<rootDir>/test/cluster/*.test.ts'],
  // They share the cluster, and the ports of this machine.
  maxWorkers: 1,
  testTimeout: 900_000,
  verbose: true,
  reporters: ['default', '<rootDir>/test/support/count_reporter.mjs'],
};
