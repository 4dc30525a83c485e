import { spawn } from 'node:child_process';
import process from 'node:process';

/**
 * Cleans up once its pipe is closed: the kernel does that when its starter dies, of SIGKILL too. A program
 * of this run has TEST_FOLDER in its environment, as it got it from whoever started it; where there
 * is no /proc, none is found.
 */
const GUARD = `
  const { existsSync, readdirSync, readFileSync, rmSync } = require('node:fs');
  const [folder] = process.argv.slice(1);
  const isOurs = (pid) => {
    try {
      return readFileSync('/proc/' + pid + '/environ', 'utf8').includes('TEST_FOLDER=' + folder);
    } catch {
      return false; // It has ended, or is no process.
    }
  };
  process.stdin.resume().on('close', () => {
    const pids = existsSync('/proc') ? readdirSync('/proc').filter(isOurs) : [];
    for (const pid of pids) {
      try { process.kill(Number(pid), 'SIGKILL'); } catch {}
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  });
`;

/**
 * From now on the folder, and every program that has it as TEST_FOLDER, ends with this process at
 * the latest, however that ends.
 *
 * @param {string} folder
 * @returns {() => Promise<void>} ends them now
 */
export function guard(folder) {
  const child = spawn(process.execPath, ['-e', GUARD, folder], {
    detached: true,
    // Else it would find itself.
    env: { ...process.env, TEST_FOLDER: undefined },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  return async () => {
    const cleaned = new Promise((resolve) => child.on('exit', resolve));
    child.stdin.end();
    await cleaned;
  };
}
