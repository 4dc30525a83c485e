/**
 * @platformatic/kafka asks for Node 22; on Node 20 the one thing that it lacks is
 * `Promise.withResolvers` (and zstd, which only Deno needs of it). Import this file instead of the package, so that it is there in time.
 *
 * @module
 */
import { withLateValidators } from './late_validators.ts';

if (!('withResolvers' in Promise)) {
  Object.defineProperty(Promise, 'withResolvers', { value: withResolvers });
}

function withResolvers(): {
  promise: Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (reason?: unknown) => void;
} {
  let resolve!: (value: unknown) => void;
  let reject!: (reason?: unknown) => void;
  const promise = new Promise((res, rej) => {
    resolve = res;
    reject = rej;
  });
  return { promise, resolve, reject };
}

export const {
  Admin,
  ConfigResourceTypes,
  ConnectionPool,
  ProtocolError,
  Reader,
  apiVersionsV1,
  compressionsAlgorithmsByBitmask,
  crc32c,
  createAPI,
  describeConfigsV2,
  describeConfigsV4,
  fetchV11,
  fetchV12,
  fetchV13,
  fetchV15,
  listOffsetsV5,
  listOffsetsV7,
  metadataV8,
  metadataV10,
  metadataV12,
  parseBroker,
} = await withLateValidators('@platformatic/kafka', () => import('@platformatic/kafka'));
