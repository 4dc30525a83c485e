import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { type Follower, follow, GaveUp } from './follower.ts';
import { HELP, type Options, parseOptions, UsageError } from './options.ts';

/** What the command needs of its process. */
export interface Environment {
  readonly argv: readonly string[];
  readonly stdout: Writable;
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly fetch: Follower['fetch'];
  readonly version: string;
  /** Ends the command with 0. */
  readonly signal: AbortSignal;
}

/**
 * The command `sse-cat`.
 * @returns the exit code: 0 asked-for end, 1 gave up, 2 usage.
 */
export async function run(environment: Environment): Promise<number> {
  const { argv, stdout, stderr } = environment;
  // Nobody reads stderr any more: no reason to stop printing to stdout.
  stderr.on('error', () => {});
  let options: ReturnType<typeof parseOptions>;
  try {
    options = parseOptions(argv);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    tell(stderr, `${error.message} (see sse-cat --help)`);
    return 2;
  }
  if (typeof options === 'object') return print(options, environment);
  stdout.on('error', () => {});
  stdout.write(options === 'help' ? HELP : `sse-cat ${environment.version}\n`);
  return 0;
}

async function print(options: Options, environment: Environment): Promise<number> {
  const { stdout, stderr } = environment;
  const closed = new AbortController();
  const signal = AbortSignal.any([environment.signal, closed.signal]);
  let code = 0;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    // EPIPE: the reader (`head -1`) has what it wanted.
    if (error.code !== 'EPIPE') {
      code = 1;
      tell(stderr, `cannot write to stdout: ${error.message}`);
    }
    closed.abort();
  });

  await Promise.all(
    options.urls.map(async (url) => {
      try {
        await follow(url, follower(url));
      } catch (error) {
        if (!(error instanceof GaveUp)) throw error;
        code = 1;
        tell(stderr, `${url}: ${error.message}`);
      }
    }),
  );
  await flushed();
  return code;

  function follower(url: URL): Follower {
    let lines = '';
    return {
      fetch: environment.fetch,
      headers: options.headers,
      signal,
      onEvent(type, data) {
        if (options.events.has(type)) lines += `${data}\n`;
        else if (type === 'gap') {
          // On a terminal it stands where it belongs: after what came before it.
          stdout.write(taken());
          tell(stderr, `gap ${data}`);
        }
      },
      async onPieceEnd() {
        if (lines !== '') await write(taken());
      },
      onRetry(reason, milliseconds, first) {
        // Into a log the first failure goes, too: a wrong port must not look like a silent topic.
        if (!stderr.isTTY && !first) return;
        // Node's fetch cuts a body that is silent for 300 s: to come back is all there is to it.
        if (reason === 'UND_ERR_BODY_TIMEOUT') return;
        const seconds = (milliseconds / 1000).toFixed(1);
        tell(stderr, `${url}: ${reason}; trying again in ${seconds} s`);
      },
    };

    function taken(): string {
      const text = lines;
      lines = '';
      return text;
    }
  }

  /** A full pipe slows the reading of the stream instead of growing a queue here. */
  async function write(text: string): Promise<void> {
    if (!stdout.write(text)) await once(stdout, 'drain', { signal }).catch(() => {});
  }

  function flushed(): Promise<void> {
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve());
      if (signal.aborted) resolve();
      else stdout.write('', () => resolve());
    });
  }
}

/** One line, whatever a server put into it: control characters could steer the terminal. */
function tell(stderr: Writable, message: string): void {
  stderr.write(`sse-cat: ${message.replace(/\p{Cc}/gu, ' ')}\n`);
}
