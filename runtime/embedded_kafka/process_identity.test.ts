import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { identityOf, isRunning, parseIdentity, pidOf } from './process_identity.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function sleeper(): ChildProcess {
  const child = spawn('sleep', ['60']);
  children.push(child);
  return child;
}

test('identityOf() names a process, and only as long as it runs', async () => {
  const child = sleeper();
  const identity = identityOf(child.pid!)!;
  expect(pidOf(identity)).toBe(child.pid);
  expect(identityOf(child.pid!)).toBe(identity);
  expect(isRunning(identity)).toBe(true);

  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(identityOf(pidOf(identity))).toBeNull();
  expect(isRunning(identity)).toBe(false);
});

test('isRunning() does not take a later process of the same pid for it', () => {
  const { pid } = sleeper();
  expect(isRunning(`${pid!}-1`)).toBe(false);
});

test('identityOf() does not count a zombie', async () => {
  // Its parent stays, and never waits for it.
  const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.push(parent);
  const [line] = (await once(parent.stdout!, 'data')) as [Buffer];
  const pid = Number(line.toString());
  const deadline = Date.now() + 90_000;
  while (identityOf(pid) !== null && Date.now() < deadline) await new Promise(setImmediate);
  expect(identityOf(pid)).toBeNull();
  expect(() => process.kill(pid, 0)).not.toThrow();
});

test.each(['', '7', '7-', '-7-1', '0-1', '7-1 x', '7-1\n8', 'a-b'])(
  'parseIdentity() refuses %j',
  (text) => expect(parseIdentity(text)).toBeNull(),
);

test('parseIdentity() reads what identityOf() gave', () => {
  const identity = identityOf(process.pid)!;
  expect(parseIdentity(identity)).toBe(identity);
});
