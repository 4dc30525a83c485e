import { Buffer } from 'node:buffer';
import { Agent, type IncomingMessage, request } from 'node:http';
import { within } from './deadline.ts';
import { run } from './program.ts';

/** An answer as `curl` got it. */
export interface Answer {
  readonly status: number;
  readonly httpVersion: string;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

const MOST_MS = 15_000;

/**
 * Asks as `curl` does, which leaves a path and a header as they are given. A request without a body over
 * plain HTTP is made here, with what `curl` would send: the program costs 20 ms of a processor each time.
 */
export async function curl(...args: readonly string[]): Promise<Answer> {
  const plain = plainRequest(args);
  if (plain !== null) return within(`an answer to ${args.join(' ')}`, ask(plain));
  const time = `${MOST_MS / 1000}`;
  const { code, stdout, stderr } = await run(['curl', '-isSk', '--max-time', time, ...args]);
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

interface PlainRequest {
  readonly method: string;
  readonly host: string;
  readonly port: string;
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
}

/** What these arguments ask for; `null` where only `curl` itself does so. */
function plainRequest(args: readonly string[]): PlainRequest | null {
  let method = 'GET';
  let url: string | null = null;
  let isAsGiven = false;
  const headers = new Map([
    ['user-agent', 'curl/8'],
    ['accept', '*/*'],
  ]);
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === '-I') method = 'HEAD';
    else if (arg === '-X') method = args[++at]!;
    else if (arg === '--path-as-is') isAsGiven = true;
    else if (arg === '-H') {
      const [, name = '', value = ''] = /^([\w-]+): *([\x21-\x7e ]+)$/.exec(args[++at]!) ?? [];
      if (value === '') return null;
      headers.set(name.toLowerCase(), value);
    } else if (url === null && !arg.startsWith('-')) url = arg;
    else return null;
  }
  const parts = /^http:\/\/((\[[\da-f:]+\]|[\w.-]+):(\d+))(\/[\x21-\x22\x24-\x7e]*)?$/.exec(
    url ?? '',
  );
  if (parts === null) return null;
  const [, origin = '', host = '', port = '', path = '/'] = parts;
  // curl takes these out.
  if (!isAsGiven && path.includes('/.')) return null;
  if (!headers.has('host')) headers.set('host', origin);
  return { method, host: host.replace(/^\[(.*)\]$/, '$1'), port, path, headers };
}

async function ask({ headers, ...target }: PlainRequest): Promise<Answer> {
  // What curl says of a connection is nothing; one that is to be closed would be answered otherwise.
  const agent = new Agent({ keepAlive: true });
  try {
    const signal = AbortSignal.timeout(MOST_MS);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request({ ...target, agent, signal, headers: Object.fromEntries(headers) });
      sent.on('response', resolve).on('error', reject).end();
    });
    const body: Buffer[] = [];
    for await (const bytes of response) body.push(bytes);
    const { rawHeaders } = response;
    const names = rawHeaders.filter((_, n) => n % 2 === 0);
    return {
      status: response.statusCode!,
      httpVersion: response.httpVersion,
      headers: new Map(names.map((name, n) => [name.toLowerCase(), rawHeaders[2 * n + 1]!])),
      body: Buffer.concat(body),
    };
  } finally {
    agent.destroy();
  }
}
