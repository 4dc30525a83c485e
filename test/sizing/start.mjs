/**
 * Prints the storms of docs/sizing.md: `node test/sizing/start.mjs [--clients N] [--gateways N] [--connect-ms N]`
 *
 * @module
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compile } from '../support/compile.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COMPILED = join(ROOT, '.cache', `sizing-${process.pid}`);

process.on('exit', () => rmSync(COMPILED, { recursive: true, force: true }));
const { main } = await import(pathToFileURL(compile(ROOT, 'test/sizing/main.ts', COMPILED)).href);
main(process.argv.slice(2));
