import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface Options {
  readonly urls: readonly URL[];
  /** Event names that are printed. */
  readonly events: ReadonlySet<string>;
  /** Sent with each request; a `last-event-id` among them is where the streams start. */
  readonly headers: Headers;
}

/** The command line cannot be understood: exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

export const HELP = `Usage: sse-cat [options] URL...

Prints the data of each message of an event stream, and a newline. After a cut it comes back
with the last id, so that nothing is lost and nothing comes twice.

  --event NAME             print events of this name instead of 'message' (repeatable)
  --header 'Name: value'   send this header with each request (repeatable)
  -h, --help               print this
  -V, --version            print the version

Several URLs are read at once. A gap in a stream (records that Kafka no longer has) is a line on
stderr. With a self-signed certificate: NODE_TLS_REJECT_UNAUTHORIZED=0, or better
NODE_EXTRA_CA_CERTS=<file>.

Ends with 0 when asked to (Ctrl-C, SIGTERM, a closed pipe, the server's 204), 1 when a stream
cannot be had, 2 when the command line is wrong.

  sse-cat http://localhost:8080/events
  sse-cat --event delete --header 'Last-Event-ID: Ao8nEHQCAAI=' http://localhost:8080/events
`;

/**
 * Reads the arguments after the command's name.
 * @throws {UsageError} with one line that says what is wrong.
 */
export function parseOptions(argv: readonly string[]): Options | 'help' | 'version' {
  const { values, positionals } = parse(argv);
  if (values.help) return 'help';
  if (values.version) return 'version';
  if (positionals.length === 0) throw new UsageError('no URL given');
  return {
    urls: positionals.map(parseUrl),
    events: new Set(values.event ?? ['message']),
    headers: parseHeaders(values.header ?? []),
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        event: { type: 'string', multiple: true },
        header: { type: 'string', multiple: true },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'V' },
      },
    });
  } catch (error) {
    // Node's messages go on with a second sentence about `--`.
    throw new UsageError((error as Error).message.split(/\.\s/)[0]!);
  }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(
      `'${text}' is no http(s) URL, expected one like http://localhost:8080/events`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError("a URL with a password is not sent: use --header 'Authorization: …'");
  }
  return url;
}

function parseHeaders(texts: readonly string[]): Headers {
  const headers = new Headers();
  for (const text of texts) {
    const colon = text.indexOf(':');
    try {
      headers.append(text.slice(0, Math.max(colon, 0)), text.slice(colon + 1).trim());
    } catch {
      // The value stays out of the message: it may be a secret.
      throw new UsageError("--header takes 'Name: value'");
    }
  }
  if (!headers.has('accept')) headers.set('accept', 'text/event-stream');
  return headers;
}
