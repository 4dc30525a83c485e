/** What a bundle for Node is made with, wherever it is to lie. */
export const FOR_NODE = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: [
    // Native, or with files of their own.
    '@confluentinc/kafka-javascript',
    '@node-rs/crc32',
    '@platformatic/wasm-utils',
    // `late_validators.ts` asks for this very module.
    'ajv/dist/2020.js',
    // Only if it is installed.
    'protobufjs',
    // For the first start alone. A package of CommonJS would have no names in an `import()`.
    'selfsigned',
  ],
  logLevel: 'warning',
};

/** For packages of CommonJS that ask for modules of Node. */
export const BANNER =
  "import { createRequire as bundleRequire } from 'node:module';" +
  'const require = bundleRequire(import.meta.url);';

/**
 * `null` where it is not installed: it has no program for each system, and nothing needs a bundle
 * but to be quick.
 *
 * @returns {Promise<((options: object) => Promise<unknown>) | null>} its `build()`
 */
export async function findEsbuild() {
  const name = 'esbuild';
  try {
    return (await import(name)).build;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return null;
  }
}
