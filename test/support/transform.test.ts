import { expect, test } from '@jest/globals';
import { takeGlobals } from './transform.mjs';

test('takeGlobals() takes those that a module names, on the line that was its first', () => {
  const code = "import x from './x.js';\nexport const y = Math.max(x, new Uint8Array(2)[0]);\n";
  expect(takeGlobals(code)).toBe(`const { Math, Uint8Array } = globalThis;${code}`);
});

test('takeGlobals() leaves others alone: a test may replace a clock', () => {
  const code = 'export const now = () => Date.now() + performance.now() + Mathematics;\n';
  expect(takeGlobals(code)).toBe(code);
});
