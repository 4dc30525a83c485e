import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../../app/errors.ts';
import { isRunning, type ProcessIdentity, pidOf } from './process_identity.ts';

const STOP_DEADLINE_MS = 10_000;
const KILL_DEADLINE_MS = 5000;
const POLL_MS = 50;

/** SIGTERM, and SIGKILL to one that does not end. */
export async function stopProcess(identity: ProcessIdentity): Promise<void> {
  send(identity, 'SIGTERM');
  if (!(await ended(identity, STOP_DEADLINE_MS))) await killProcess(identity);
}

/** SIGKILL, and waits until it is gone. */
export async function killProcess(identity: ProcessIdentity): Promise<void> {
  send(identity, 'SIGKILL');
  if (await ended(identity, KILL_DEADLINE_MS)) return;
  throw new GatewayError(
    'EMBEDDED_KAFKA',
    `Kafka, process ${pidOf(identity)}, does not end: end it by hand.`,
  );
}

function send(identity: ProcessIdentity, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (!isRunning(identity)) return;
  try {
    process.kill(pidOf(identity), signal);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ESRCH') throw error;
  }
}

async function ended(identity: ProcessIdentity, deadlineMs: number): Promise<boolean> {
  const deadline = performance.now() + deadlineMs;
  while (isRunning(identity)) {
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}
