/**
 * Breaks the core in ways that were or could be real mistakes, and expects the model to notice each
 * one. A mutation of which the text is not found any more is a fault: mend it with the code.
 *
 *     npm run test:mutants
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile } from '../support/compile.mjs';
import { MUTATIONS } from './mutations.mjs';

/** @typedef {(typeof MUTATIONS)[number]} Mutation */

/** As many scenarios as a mutation may survive. */
const RUNS = 3000;
/** A core that hangs is broken, too; all scenarios take three minutes of processor time. */
const DEADLINE_MS = 240_000;
const WHOLE_DEADLINE_MS = 900_000;
const AT_ONCE = 2;

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = join(ROOT, '.cache', `mutants-${process.pid}`);

/**
 * @param {Mutation | null} mutation null: the core as it is
 * @param {number} number
 * @returns {Promise<string | null>} what the model noticed
 */
async function noticed(mutation, number) {
  const folder = join(FOLDER, String(number));
  mkdirSync(folder, { recursive: true });
  cpSync(join(ROOT, 'app'), join(folder, 'app'), { recursive: true });
  cpSync(join(ROOT, 'test', 'model'), join(folder, 'test', 'model'), { recursive: true });
  if (mutation !== null) mutate(mutation, join(folder, mutation.file));
  const script = compile(folder, 'test/model/run.ts', join(folder, 'compiled'));
  return run(script, mutation === null ? WHOLE_DEADLINE_MS : DEADLINE_MS);
}

/** @param {Mutation} mutation @param {string} path */
function mutate({ name, file, from, to }, path) {
  const source = readFileSync(path, 'utf8');
  if (source.split(from).length !== 2) {
    throw new Error(`"${name}": not found exactly once in ${file}: ${from}`);
  }
  writeFileSync(
    path,
    source.replace(from, () => to),
  );
}

/** @param {string} script @param {number} deadlineMs @returns {Promise<string | null>} */
function run(script, deadlineMs) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, '1', String(RUNS), '0']);
    let output = '';
    child.stdout.on('data', (text) => {
      output += text;
    });
    child.stderr.on('data', (text) => {
      output += text;
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      // Another end than by an expectation that was broken proves nothing.
      const failure = /^scenario .*$/m.exec(output)?.[0].slice(0, 200);
      if (code === 0) resolve(null);
      else if (signal !== null) resolve('it did not end');
      else if (failure !== undefined) resolve(failure);
      else reject(new Error(`cannot run it: ${output}`));
    });
  });
}

rmSync(FOLDER, { recursive: true, force: true });
let survived = 0;
const unbroken = await noticed(null, 0);
if (unbroken !== null) {
  process.stderr.write(`the core as it is fails: ${unbroken}\n`);
  process.exit(1);
}
const queue = [...MUTATIONS.entries()];
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, mutation] = next;
      const words = await noticed(mutation, index + 1);
      if (words === null) survived++;
      process.stdout.write(
        `${words === null ? 'SURVIVED' : 'noticed '}  ${mutation.name}${words === null ? '' : `\n            ${words}`}\n`,
      );
    }
  }),
);
rmSync(FOLDER, { recursive: true, force: true });
process.stdout.write(`${MUTATIONS.length - survived} of ${MUTATIONS.length} mutations noticed\n`);
process.exit(survived === 0 ? 0 : 1);
