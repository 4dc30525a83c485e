import { Agent, request } from 'node:http';
import process from 'node:process';
import type { Commands } from '../host/main.ts';
import { within } from './deadline.ts';

const RUNTIMES = ['Node', 'Deno'] as const;
/** How long a host may take to start beside others. */
const START_MS = 120_000;

/** The ports of this worker's hosts, by the runtime's name. */
const ports = new Map<string, Promise<number>>();
/** A host ends no connection: one each command cost both sides more than what most of them do. */
const agent = new Agent({ keepAlive: true });

/** Tells this worker's host of a runtime something. */
export async function tell<Name extends keyof Commands>(
  runtime: string,
  command: Name,
  told: Commands[Name],
): Promise<void> {
  const port = ports.get(runtime) ?? askForPort(runtime);
  ports.set(runtime, port);
  const label = `${command} on ${runtime}`;
  await answerOf(label, `http://127.0.0.1:${await port}/${command}`, JSON.stringify(told));
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
  return Number(await answerOf(`the host on ${runtime}`, url, '', START_MS));
}

function answerOf(label: string, url: string, body: string, ms?: number): Promise<string> {
  const answered = new Promise<string>((resolve, reject) => {
    const method = body === '' ? 'GET' : 'POST';
    const sent = request(url, { method, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('error', reject);
      response.on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${label}: ${text}`));
      });
    });
    sent.on('error', reject).end(body);
  });
  return within(label, answered, ms);
}
