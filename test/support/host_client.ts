import process from 'node:process';
import type { Commands } from '../host/main.ts';
import { within } from './deadline.ts';

const RUNTIMES = ['Node', 'Deno'] as const;
/** How long a host may take to start beside others. */
const START_MS = 120_000;

/** The ports of this worker's hosts, by the runtime's name. */
const ports = new Map<string, Promise<number>>();

/** Tells this worker's host of a runtime something. */
export async function tell<Name extends keyof Commands>(
  runtime: string,
  command: Name,
  told: Commands[Name],
): Promise<void> {
  const port = ports.get(runtime) ?? askForPort(runtime);
  ports.set(runtime, port);
  const url = `http://127.0.0.1:${await port}/${command}`;
  const request = { method: 'POST', body: JSON.stringify(told), headers: { connection: 'close' } };
  await answerOf(`${command} on ${runtime}`, fetch(url, request));
}

/** Tells those of all runtimes, so that a topic is the same on every runtime. */
export async function tellAll<Name extends keyof Commands>(
  command: Name,
  told: Commands[Name],
): Promise<void> {
  await Promise.all(RUNTIMES.map((runtime) => tell(runtime, command, told)));
}

/** Starts the host, where none has asked for it before (`hosts_for_tests.mjs`). */
async function askForPort(runtime: string): Promise<number> {
  const url = `http://127.0.0.1:${process.env['TEST_HOSTS']}/${runtime}/${process.env['JEST_WORKER_ID']}`;
  return Number(await answerOf(`the host on ${runtime}`, fetch(url), START_MS));
}

async function answerOf(label: string, asked: Promise<Response>, ms?: number): Promise<string> {
  const response = await within(label, asked, ms);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${label}: ${text}`);
  return text;
}
