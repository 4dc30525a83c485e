import process from 'node:process';
import { within } from '../support/deadline.ts';
import type { Commands } from './host/main.ts';

/** The port of each runtime's host, by the runtime's name. */
const PORTS = JSON.parse(process.env['TEST_HOSTS'] ?? '{}') as Readonly<Record<string, number>>;

/** Tells one host something. */
export async function tell<Name extends keyof Commands>(
  runtime: string,
  command: Name,
  told: Commands[Name],
): Promise<void> {
  const url = `http://127.0.0.1:${PORTS[runtime]}/${command}`;
  const request = { method: 'POST', body: JSON.stringify(told) };
  const response = await within(`${command} on ${runtime}`, fetch(url, request));
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${command} on ${runtime}: ${text}`);
}

/** Tells all of them, so that a topic is the same on every runtime. */
export async function tellAll<Name extends keyof Commands>(
  command: Name,
  told: Commands[Name],
): Promise<void> {
  await Promise.all(Object.keys(PORTS).map((runtime) => tell(runtime, command, told)));
}
