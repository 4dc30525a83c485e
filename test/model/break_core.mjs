/**
 * Breaks the core, and the way in, in ways that were or could be real mistakes, and expects the model to notice each
 * one. A mutation of which the text is not found any more is a fault: mend it with the code.
 *
 *     npm run test:mutants [-- rights]     # all, or those of the way in alone
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile } from '../support/compile.mjs';
import { MUTATIONS, RIGHTS_MUTATIONS } from './mutations.mjs';

/** @typedef {(typeof MUTATIONS)[number]} Mutation */

/** As many scenarios as a mutation may survive. */
const RUNS = 3000;
const RIGHTS_RUNS = 300;
/** A core that hangs is broken, too; all scenarios take three minutes of processor time. */
const DEADLINE_MS = 240_000;
const WHOLE_DEADLINE_MS = 900_000;
const AT_ONCE = 2;

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = join(ROOT, '.cache', `mutants-${process.pid}`);

/**
 * @param {Mutation | null} mutation null: the core as it is
 * @param {number} number
 * @param {boolean} isOfRights
 * @returns {Promise<string | null>} what the model noticed
 */
async function noticed(mutation, number, isOfRights) {
  const folder = join(FOLDER, String(number));
  mkdirSync(folder, { recursive: true });
  cpSync(join(ROOT, 'app'), join(folder, 'app'), { recursive: true });
  for (const part of ['model', 'host']) {
    cpSync(join(ROOT, 'test', part), join(folder, 'test', part), { recursive: true });
  }
  const compressor = join('runtime', 'process', 'zlib_compressor.ts');
  cpSync(join(ROOT, compressor), join(folder, compressor));
  if (mutation !== null) mutate(mutation, join(folder, mutation.file));
  const script = compile(folder, 'test/model/run.ts', join(folder, 'compiled'));
  const args = isOfRights ? [RIGHTS_RUNS, 0, 'rights'] : [RUNS, 0];
  return run([script, 1, ...args].map(String), mutation === null ? WHOLE_DEADLINE_MS : DEADLINE_MS);
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

/** @param {string[]} args @param {number} deadlineMs @returns {Promise<string | null>} */
function run(args, deadlineMs) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args);
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
for (const isOfRights of process.argv[2] === 'rights' ? [true] : [false, true]) {
  const unbroken = await noticed(null, 0, isOfRights);
  if (unbroken === null) continue;
  process.stderr.write(`the core as it is fails: ${unbroken}\n`);
  process.exit(1);
}
/** @param {readonly Mutation[]} mutations @param {boolean} isOfRights */
const each = (mutations, isOfRights) => mutations.map((mutation) => ({ mutation, isOfRights }));
const ofCore = process.argv[2] === 'rights' ? [] : MUTATIONS;
const queue = [...each(RIGHTS_MUTATIONS, true), ...each(ofCore, false)];
const count = queue.length;
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { mutation, isOfRights } = next;
      const words = await noticed(mutation, count - queue.length, isOfRights);
      if (words === null) survived++;
      process.stdout.write(
        `${words === null ? 'SURVIVED' : 'noticed '}  ${mutation.name}${words === null ? '' : `\n            ${words}`}\n`,
      );
    }
  }),
);
rmSync(FOLDER, { recursive: true, force: true });
process.stdout.write(`${count - survived} of ${count} mutations noticed\n`);
process.exit(survived === 0 ? 0 : 1);
