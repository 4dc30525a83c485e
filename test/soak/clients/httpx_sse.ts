import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CLONE } from '../../../runtime/embedded_kafka/clone.ts';
import { PYTHON } from '../../support/python.ts';
import type { Subscriber, Times } from '../subscriber.ts';

const SCRIPT = join(CLONE, 'test', 'soak', 'clients', 'httpx_sse_clients.py');

interface Told {
  readonly client: number;
  readonly opened?: boolean;
  readonly event?: string;
  readonly data?: string;
  readonly id?: string;
}

/** Python's httpx-sse: one process for all of them. */
export async function followHttpxSse(
  subscribers: readonly Subscriber[],
  origin: string,
  folder: string,
  seed: number,
  { calm, over }: Times,
): Promise<void> {
  if (subscribers.length === 0) return;
  const plans: string[] = [];
  for (const { path, plan } of subscribers) {
    const token = join(folder, plan.name);
    await plan.pass.keepIn(token, over);
    plans.push(JSON.stringify({ url: `${origin}${path}`, temper: plan.temper, token }));
  }
  const child = spawn(PYTHON, [SCRIPT, `${seed}`], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {});
  child.stdin.write(`${[...plans, 'go'].join('\n')}\n`);
  calm.addEventListener('abort', () => child.stdin.write('calm\n'));
  over.addEventListener('abort', () => child.kill('SIGKILL'));
  let errors = '';
  child.stderr.on('data', (text) => {
    errors = `${errors}${text}`.slice(-2000);
  });
  createInterface(child.stdout).on('line', (line) => {
    const { client, opened, event, data, id }: Told = JSON.parse(line);
    const subscriber = subscribers[client]!;
    if (opened) subscriber.opened();
    if (event !== undefined) subscriber.take({ event, data: data!, id: id! });
  });
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (over.aborted) resolve();
      else reject(new Error(`the Python clients ended with ${code}: ${errors}`));
    });
  });
}
