import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

const INSTALL = fileURLToPath(new URL('.', import.meta.url));
const NODE_MODULES = fileURLToPath(new URL('../node_modules', import.meta.url));
const DOOR = 'kafka/protocol/platformatic_on_node20';

/** A clone as the compiler leaves it. */
let clone: string;

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'bundle-'));
  cpSync(INSTALL, join(clone, 'install'), { recursive: true });
  write('package.json', '{"type":"module"}');
  write('app/port.ts', 'export const port: number = 8080;\n');
  write(`runtime/${DOOR}.ts`, "export { parse } from 'yaml';\n");
  write(
    'runtime/node.ts',
    `import { port } from '../app/port.ts';
     const { parse } = await import('./${DOOR}.ts');
     console.log(port, parse('a: [1]').a[0], new URL('..', import.meta.url).pathname);\n`,
  );
  write(`dist/runtime/${DOOR}.js`, '');
});

afterEach(() => rmSync(clone, { recursive: true, force: true }));

function write(path: string, text: string): void {
  const file = join(clone, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function node(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: clone,
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}

const files = () => readdirSync(join(clone, 'dist/runtime')).sort();

test('bundle.mjs puts what a start loads into few files, which need nothing else', () => {
  symlinkSync(NODE_MODULES, join(clone, 'node_modules'));
  expect(node('install/bundle.mjs')).toEqual({ code: 0, stdout: '', stderr: '' });
  const first = files();
  write('app/port.ts', 'export const port = 9090;\n');
  write(`runtime/${DOOR}.ts`, "export { parse } from 'yaml'; export const more = 1;\n");
  expect(node('install/bundle.mjs').code).toBe(0);
  expect(files()).toHaveLength(first.length);

  for (const source of ['node_modules', 'app', 'runtime']) {
    rmSync(join(clone, source), { recursive: true });
  }
  const stdout = `9090 1 ${clone}/dist/\n`;
  expect(node('dist/runtime/node.js')).toEqual({ code: 0, stdout, stderr: '' });
});

test('bundle.mjs says what it lacks without esbuild, and lets all be as it was', () => {
  const { code, stderr } = node('install/bundle.mjs');
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringContaining('esbuild is not installed (npm ci)'),
  });
  expect(files()).toEqual(['kafka']);
});
