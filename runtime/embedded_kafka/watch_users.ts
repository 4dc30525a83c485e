import { spawn } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { CLONE } from './clone.ts';
import { type ProcessIdentity, pidOf } from './process_identity.ts';

/**
 * Waits until no user of the broker runs, and has it ended. Run in the broker's folder with its pid and
 * the command that ends it, which looks again, under the lock. A shell, because it costs next to no
 * memory. A process of somebody else cannot be sent a signal, not even none.
 */
const WATCH = `
kafka=$1; shift
runs() { kill -0 "$1" 2>/dev/null || [ -d "/proc/$1" ]; }
while sleep 2 && runs "$kafka"; do
  used=no
  for user in users/*; do
    user=\${user#users/}
    if runs "\${user%%-*}"; then used=yes; fi
  done
  if [ $used = no ]; then "$@"; fi
done`;

/** Lets a broker end with the last process that uses it, however that ends. */
export function watchUsers(broker: ProcessIdentity, dataDir: string): void {
  const args = ['-c', WATCH, 'kafka-users', String(pidOf(broker)), ...endUnused(dataDir)];
  // A session of its own: what ends the gateway must not end this first.
  const watch = spawn('sh', args, { cwd: dataDir, detached: true, stdio: 'ignore' });
  watch.on('error', () => {}); // Then it ends with those that end in order.
  watch.unref();
}

function endUnused(dataDir: string): string[] {
  const folder = join('runtime', 'embedded_kafka');
  if (!('deno' in process.versions)) {
    return [process.execPath, join(CLONE, 'dist', folder, 'end_unused.js'), dataDir];
  }
  const options = ['--quiet', `--config=${join(CLONE, 'deno.json')}`, '--allow-all'];
  return [process.execPath, 'run', ...options, join(CLONE, folder, 'end_unused.ts'), dataDir];
}
