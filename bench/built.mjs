import { BenchError } from './bench_error.mjs';

/**
 * A module of the embedded Kafka, as it was built into `dist/`.
 *
 * @param {string} file
 * @throws {BenchError}
 */
export async function loadBuilt(file) {
  const url = new URL(`../dist/runtime/embedded_kafka/${file}`, import.meta.url);
  try {
    return await import(url.href);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new BenchError('The gateway is not built: `npm run build` does it.');
  }
}
