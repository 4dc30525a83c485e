import type { Buffer } from 'node:buffer';
import { run } from './program.ts';

/** An answer as `curl` got it. */
export interface Answer {
  readonly status: number;
  readonly httpVersion: string;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** Asks with `curl`, which leaves a path and a header as they are given. */
export async function curl(...args: readonly string[]): Promise<Answer> {
  const { code, stdout, stderr } = await run(['curl', '-isSk', '--max-time', '15', ...args]);
  if (code !== 0) throw new Error(`curl ${args.join(' ')} ended with ${code}: ${stderr}`);
  const end = stdout.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = stdout.toString('latin1', 0, end).split('\r\n');
  const [, httpVersion = '', status] = /^HTTP\/([\d.]+) (\d{3})/.exec(statusLine) ?? [];
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { status: Number(status), httpVersion, headers, body: stdout.subarray(end + 4) };
}
