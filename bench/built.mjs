import { BenchError } from './bench_error.mjs';

/**
 * A module as it was built: by its address, for what is compiled is not looked at with the sources.
 *
 * @param {string} file below `dist/`
 * @throws {BenchError}
 */
export async function loadBuilt(file) {
  const url = new URL(`../dist/${file}`, import.meta.url);
  try {
    return await import(url.href);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new BenchError('The gateway is not built: `npm run build` does it.');
  }
}
