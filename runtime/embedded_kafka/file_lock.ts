import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { identityOf, isRunning, parseIdentity } from './process_identity.ts';

const POLL_MS = 50;

/**
 * Runs the action while no other one runs under the same file, here or in another process. The
 * lock of a process that was killed is broken, so that a wait ends when the owner does.
 * @throws the signal's reason when it aborts while waiting.
 */
export async function withFileLock<T>(
  file: string,
  signal: AbortSignal,
  onProgress: (line: string) => void,
  action: () => Promise<T>,
): Promise<T> {
  await take(file, signal, onProgress);
  try {
    return await action();
  } finally {
    rmSync(file, { force: true });
  }
}

async function take(
  file: string,
  signal: AbortSignal,
  onProgress: (line: string) => void,
): Promise<void> {
  for (let told = false; ; ) {
    signal.throwIfAborted();
    const owner = takeOrReadOwner(file);
    if (owner === null) return;
    if (owner === undefined) continue;
    const [identity = '', token = ''] = owner.split(' ');
    const running = parseIdentity(identity);
    if (running === null || !isRunning(running)) {
      // Of all who find it stale one may remove it, once: a second could hit the next owner's lock.
      // The token makes that one lock's name its own.
      await withFileLock(`${file}.${token}`, signal, onProgress, async () => {
        if (readOwner(file) === owner) unlinkSync(file);
      });
      continue;
    }
    if (!told) onProgress(`waiting for process ${Number.parseInt(identity, 10)} (${file})`);
    told = true;
    await delay(POLL_MS, undefined, { signal });
  }
}

/** `null` when taken, else who has it; `undefined` when it was just let go. */
function takeOrReadOwner(file: string): string | null | undefined {
  // A link appears whole: a lock is never seen without its owner.
  const token = randomUUID();
  const draft = `${file}.${token}.draft`;
  writeFileSync(draft, `${identityOf(process.pid)} ${token}`);
  try {
    linkSync(draft, file);
    return null;
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error;
    return readOwner(file);
  } finally {
    unlinkSync(draft);
  }
}

function readOwner(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error;
    return undefined;
  }
}
