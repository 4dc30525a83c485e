import { execFile, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './clone.mjs';
import { PrepareError, say } from './say.mjs';

const LEASH = fileURLToPath(new URL('leash.mjs', import.meta.url));
const TAIL_LINES = 30;
const REMIND_MS = 30_000;

/**
 * @typedef {object} LongCommand
 * @property {string} label what is being done, for the person who waits
 * @property {string} about how long it takes, "20 s"
 * @property {string} log file name in `.cache/log/`
 * @property {number} deadlineSeconds
 * @property {string} [cwd] default: the clone
 * @property {NodeJS.ProcessEnv} [env]
 * @property {boolean} [quiet] a failure is only returned, there is another way
 * @property {boolean} [leashed] default true: killed when this process ends. False for what must
 *   not be cut (dpkg)
 */

/**
 * Runs a command that takes long, its output in a log.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {LongCommand} options
 * @returns {Promise<boolean>} whether it ended with 0; false only where `quiet`
 * @throws {PrepareError} with the last lines of the log
 */
export async function runLong(command, args, options) {
  const { label, about, deadlineSeconds, cwd = root, env = process.env } = options;
  const log = join(root, '.cache', 'log', options.log);
  mkdirSync(dirname(log), { recursive: true });
  const out = openSync(log, 'w');
  const start = Date.now();
  const seconds = () => Math.round((Date.now() - start) / 1_000);
  say(`${label} (about ${about})`);

  const child =
    options.leashed === false
      ? spawn(command, args, { cwd, env, stdio: ['ignore', out, out] })
      : spawn(process.execPath, [LEASH, command, ...args], {
          cwd,
          env,
          detached: true,
          stdio: ['pipe', out, out],
        });
  closeSync(out);
  const remind = setInterval(() => say(`  still at it after ${seconds()} s`), REMIND_MS);
  const deadline = setTimeout(
    () => child.stdin?.destroy() ?? child.kill(),
    deadlineSeconds * 1_000,
  );
  const code = await new Promise((resolve) => {
    child.on('error', () => resolve(127));
    child.on('close', (exit, signal) => resolve(signal ?? exit));
  });
  clearInterval(remind);
  clearTimeout(deadline);

  if (code === 0) {
    say(`  done in ${seconds()} s`);
    return true;
  }
  if (options.quiet) {
    say('  that did not work, trying another way');
    return false;
  }
  const why = seconds() >= deadlineSeconds ? `took longer than ${deadlineSeconds} s` : 'failed';
  throw new PrepareError(`${label} ${why}; the last lines of ${log}:\n${tail(log)}`);
}

/** @param {string} file */
function tail(file) {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines
    .slice(-TAIL_LINES)
    .map((line) => `    ${line}\n`)
    .join('');
}

/**
 * Runs a short command and gives back what it said; a failure is an answer too.
 *
 * @typedef {(command: string, args: string[], input?: string) =>
 *   Promise<{ ok: boolean, stdout: string, stderr: string }>} Exec
 * @type {Exec}
 */
export function exec(command, args, input = '') {
  return new Promise((resolve) => {
    const child = execFile(command, args, { cwd: root, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ ok: error === null, stdout, stderr: stderr || (error?.message ?? '') }),
    );
    child.stdin?.on('error', () => {}).end(input);
  });
}
