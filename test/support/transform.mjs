/**
 * Jest's transformer of TypeScript. Code of a test runs in a context of its own, where each look at
 * a global calls back into Node: what computes is several times as slow there. So each module takes
 * the globals that it names once, at its first line.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import swcJest from '@swc/jest';

/** Those that no test replaces, as it does with clocks and `fetch`. */
const GLOBALS = [
  'Array',
  'ArrayBuffer',
  'BigInt',
  'BigInt64Array',
  'BigUint64Array',
  'Boolean',
  'DataView',
  'Error',
  'Float64Array',
  'Int32Array',
  'Int8Array',
  'JSON',
  'Map',
  'Math',
  'Number',
  'Object',
  'Promise',
  'RangeError',
  'RegExp',
  'Set',
  'String',
  'Symbol',
  'TextDecoder',
  'TextEncoder',
  'TypeError',
  'Uint16Array',
  'Uint32Array',
  'Uint8Array',
  'WeakMap',
];
const VERSION = createHash('sha256')
  .update(readFileSync(new URL(import.meta.url)))
  .digest('hex');

/**
 * @param {string} code of a module
 * @returns {string} the same; a module that declares such a name itself is refused by Node
 */
export function takeGlobals(code) {
  const named = GLOBALS.filter((name) => new RegExp(`\\b${name}\\b`).test(code));
  return named.length === 0 ? code : `const { ${named.join(', ')} } = globalThis;${code}`;
}

/** @typedef {Required<ReturnType<typeof swcJest.createTransformer>>} Transformer */

/**
 * @param {Parameters<typeof swcJest.createTransformer>[0]} options
 * @returns {Transformer}
 */
function createTransformer(options) {
  const swc = /** @type {Transformer} */ (swcJest.createTransformer(options));
  return {
    ...swc,
    process: (...args) => withGlobals(swc.process(...args)),
    processAsync: async (...args) => withGlobals(await swc.processAsync(...args)),
    getCacheKey: (...args) => swc.getCacheKey(...args) + VERSION,
  };
}

/** @type {<T extends { code: string }>(transformed: T) => T} */
const withGlobals = (transformed) => ({ ...transformed, code: takeGlobals(transformed.code) });

export default { createTransformer };
