/**
 * Compiles the soak, runs it in this process, and leaves nothing behind, however it ends.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compile } from '../support/compile.mjs';
import { guard } from '../support/guard.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COMPILED = join(ROOT, '.cache', `soak-${process.pid}`);
const INTERRUPTED = 130;

const folder = mkdtempSync(join(tmpdir(), `sse-kafka-soak-${process.pid}-`));
// All that the soak starts has it in its environment, so that the guard knows it.
process.env['TEST_FOLDER'] = folder;
const clean = guard(folder);

process.on('exit', () => rmSync(COMPILED, { recursive: true, force: true }));
// What is left the guard ends: from here more could be started meanwhile.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(INTERRUPTED));

const others = ['test/soak/crowd_process.ts', 'test/soak/balancer_process.ts'];
const script = compile(ROOT, 'test/soak/main.ts', COMPILED, ...others);
const { main } = await import(pathToFileURL(script).href);
const code = await main(process.argv.slice(2));
await clean();
process.exit(code);
