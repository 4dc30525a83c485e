import { appendFileSync } from 'node:fs';
import process from 'node:process';

/** What is shorter is no wait. */
const LEAST_MS = 20;

/** What a test file waits for. */
export type Waited = 'gateway' | 'hosted gateway' | 'kafka' | 'other';

/** Only within jest; what is compiled and run beside it has none. */
interface Expect {
  getState(): { readonly testPath?: string };
}

/** Tells the reporter of times (`times_reporter.mjs`) how long the file under test waited. */
export async function timed<T>(
  waited: Waited,
  label: string | (() => string),
  wait: () => Promise<T>,
): Promise<T> {
  const start = performance.now();
  try {
    return await wait();
  } finally {
    const ms = performance.now() - start;
    if (ms >= LEAST_MS) noteTime(() => ({ waited, label: textOf(label), ms }));
  }
}

/** A line for the reporter, where one listens. */
export function noteTime(note: () => object): void {
  const { TEST_TIMES } = process.env;
  const file = (globalThis as { expect?: Expect }).expect?.getState().testPath;
  if (TEST_TIMES === undefined || file === undefined) return;
  appendFileSync(TEST_TIMES, `${JSON.stringify({ file, ...note() })}\n`);
}

/** Of what failed or took long there is much to tell; its first words are its name. */
function textOf(label: string | (() => string)): string {
  return (typeof label === 'string' ? label : label()).slice(0, 100);
}
