/**
 * Runs a command that must not outlive the process that wants it, however that one ends:
 *
 *     node leash.mjs COMMAND ARG...
 *
 * Started as the leader of a process group, with a pipe as stdin. The kernel closes that pipe
 * when the other side dies, of kill -9 too, and then the whole group is killed. Otherwise an
 * orphaned `npm ci` would write into the node_modules of the next start.
 */

import { spawn } from 'node:child_process';

const [command = '', ...args] = process.argv.slice(2);

process.stdin.resume().on('close', () => process.kill(-process.pid, 'SIGKILL'));

const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
child.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(127);
});
child.on('exit', (code) => process.exit(code ?? 1));
