/**
 * Breaks the core, and the way in, in ways that were or could be real mistakes, and expects the model to notice each
 * one, or units where it takes rare things together. A mutation of which the text is not found any more is a fault: mend it with the code.
 *
 *     npm run test:mutants [-- rights | several | units]     # all, or those of the way in, of several topics in one stream, or of units, alone
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { project } from '../../jest.config.mjs';
import { compile } from '../support/compile.mjs';
import { MUTATIONS, RIGHTS_MUTATIONS, SEVERAL_MUTATIONS, UNIT_MUTATIONS } from './mutations.mjs';

/** @typedef {(typeof MUTATIONS)[number] & { tests?: readonly string[] }} Mutation */

/** As many scenarios as a mutation may survive. */
const RUNS = 3000;
const RIGHTS_RUNS = 300;
const SEVERAL_RUNS = 600;
/** A core that hangs is broken, too; all scenarios take three minutes of processor time. */
const DEADLINE_MS = 240_000;
const WHOLE_DEADLINE_MS = 900_000;
const AT_ONCE = 2;

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = join(ROOT, '.cache', `mutants-${process.pid}`);

/** What the model plays, and how many scenarios of it; or units alone. */
const KINDS = {
  units: { mutations: UNIT_MUTATIONS, args: [] },
  rights: { mutations: RIGHTS_MUTATIONS, args: [RIGHTS_RUNS, 0, 'rights'] },
  several: { mutations: SEVERAL_MUTATIONS, args: [SEVERAL_RUNS, 0, 'several'] },
  core: { mutations: MUTATIONS, args: [RUNS, 0] },
};
/** @typedef {keyof typeof KINDS} Kind */

/**
 * @param {Mutation | null} mutation null: the core as it is
 * @param {number} number
 * @param {Kind} kind
 * @returns {Promise<string | null>} what the model noticed
 */
async function noticed(mutation, number, kind) {
  const folder = join(FOLDER, String(number));
  mkdirSync(folder, { recursive: true });
  cpSync(join(ROOT, 'app'), join(folder, 'app'), { recursive: true });
  if (kind === 'units') return noticedByUnits(mutation, folder);
  for (const part of ['model', 'host']) {
    cpSync(join(ROOT, 'test', part), join(folder, 'test', part), { recursive: true });
  }
  const compressor = join('runtime', 'process', 'zlib_compressor.ts');
  cpSync(join(ROOT, compressor), join(folder, compressor));
  if (mutation !== null) mutate(mutation, join(folder, mutation.file));
  const script = compile(folder, 'test/model/run.ts', join(folder, 'compiled'));
  return run(
    [script, 1, ...KINDS[kind].args].map(String),
    mutation === null ? WHOLE_DEADLINE_MS : DEADLINE_MS,
  );
}

/** @param {Mutation | null} mutation @param {string} folder @returns {Promise<string | null>} */
function noticedByUnits(mutation, folder) {
  cpSync(join(ROOT, 'test', 'support'), join(folder, 'test', 'support'), { recursive: true });
  if (mutation !== null) mutate(mutation, join(folder, mutation.file));
  const mutations = mutation === null ? UNIT_MUTATIONS : [mutation];
  const tests = [...new Set(mutations.flatMap(({ tests = [] }) => tests))];
  const own = { rootDir: folder, testEnvironment: 'node', setupFilesAfterEnv: [] };
  const config = JSON.stringify({ ...project, ...own, moduleNameMapper: {} });
  const jest = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
  const paths = tests.map((test) => join(folder, test));
  const args = [
    '--experimental-vm-modules',
    jest,
    '--config',
    config,
    '--runTestsByPath',
    ...paths,
  ];
  return run(args, DEADLINE_MS, /^ +● .*$/m);
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

/**
 * @param {string[]} args
 * @param {number} deadlineMs
 * @param {RegExp} fault what says which expectation was broken
 * @returns {Promise<string | null>}
 */
function run(args, deadlineMs, fault = /^scenario .*$/m) {
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
      const failure = fault.exec(output)?.[0].trim().slice(0, 200);
      if (code === 0) resolve(null);
      else if (signal !== null) resolve('it did not end');
      else if (failure !== undefined) resolve(failure);
      else reject(new Error(`cannot run it: ${output}`));
    });
  });
}

rmSync(FOLDER, { recursive: true, force: true });
let survived = 0;
const asked = process.argv[2];
const kinds = /** @type {Kind[]} */ (Object.keys(KINDS)).filter((kind) => kind === (asked ?? kind));
if (kinds.length === 0) throw new Error(`takes ${Object.keys(KINDS).join(', ')}`);
for (const kind of kinds) {
  const unbroken = await noticed(null, 0, kind);
  if (unbroken === null) continue;
  process.stderr.write(`the core as it is fails: ${unbroken}\n`);
  process.exit(1);
}
const queue = kinds.flatMap((kind) =>
  KINDS[kind].mutations.map((mutation) => ({ mutation, kind })),
);
const count = queue.length;
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { mutation, kind } = next;
      const words = await noticed(mutation, count - queue.length, kind);
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
