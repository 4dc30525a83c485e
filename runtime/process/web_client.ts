import { Buffer } from 'node:buffer';
import * as http from 'node:http';
import * as https from 'node:https';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import type { Config } from '../../app/config/config.ts';
import type { Web, WebAnswer, WebQuestion } from '../../app/ports/web.ts';
import { parseCertificates, readPem } from './pem.ts';

/**
 * Asks over HTTP and HTTPS, by the same code on both runtimes: `fetch` has no way to own authorities on
 * Node, and follows redirects with what it was given to show.
 */
export class WebClient implements Web {
  /** Whom it trusts, made once: it takes a tenth of a second. Null: the public ones alone, as the runtime has them. */
  readonly #trust: SecureContext | null;

  /** @param ownAuthorities certificates as PEM, beside the public ones */
  constructor(ownAuthorities: readonly string[]) {
    this.#trust =
      ownAuthorities.length === 0
        ? null
        : createSecureContext({ ca: [...rootCertificates, ...ownAuthorities] });
  }

  get(url: string, question: WebQuestion): Promise<WebAnswer> {
    return this.#ask('GET', url, null, question);
  }

  post(url: string, body: string, question: WebQuestion): Promise<WebAnswer> {
    return this.#ask('POST', url, body, question);
  }

  put(url: string, body: string, question: WebQuestion): Promise<WebAnswer> {
    return this.#ask('PUT', url, body, question);
  }

  #ask(
    method: string,
    url: string,
    body: string | null,
    { headers = {}, timeoutMs, maxBytes }: WebQuestion,
  ): Promise<WebAnswer> {
    return new Promise((resolve, reject) => {
      const options = {
        method,
        headers: {
          'user-agent': 'sse-kafka',
          ...(body === null ? {} : { 'content-length': `${Buffer.byteLength(body)}` }),
          ...headers,
        },
        // A kept connection may be closed by the other side just when it is asked again.
        agent: false as const,
        ...(this.#trust === null ? {} : { secureContext: this.#trust }),
      };
      const request = /^https:/i.test(url)
        ? https.request(url, options, received)
        : http.request(url, options, received);
      request.end(body ?? undefined);
      const timer = setTimeout(() => end(`no answer within ${timeoutMs / 1000} s`), timeoutMs);

      function end(why: string, cause?: Error): void {
        clearTimeout(timer);
        request.destroy();
        reject(new Error(why, { cause }));
      }

      function received(response: http.IncomingMessage): void {
        const pieces: Uint8Array[] = [];
        let length = 0;
        response.on('data', (piece: Uint8Array) => {
          length += piece.length;
          if (length > maxBytes) end(`an answer of more than ${maxBytes} bytes`);
          else pieces.push(piece);
        });
        response.on('error', (error) => end(wordsFor(error), error));
        response.on('close', () => {
          if (!response.complete) end('the answer was cut');
        });
        response.on('end', () => {
          clearTimeout(timer);
          resolve({
            status: response.statusCode!,
            headers: headersOf(response),
            body: joined(pieces),
          });
        });
      }

      request.on('error', (error) => end(wordsFor(error), error));
    });
  }
}

/** One that trusts the authorities of `CA_FILE`, too. */
export function createWebClient({ caFile }: Pick<Config, 'caFile'>): WebClient {
  if (caFile === null) return new WebClient([]);
  // One by one: of several in one text Deno takes the first alone.
  return new WebClient((parseCertificates(readPem(caFile)) ?? []).map(String));
}

/** Node's message of several tries is empty; Deno's has the code nowhere else. */
function wordsFor(error: NodeJS.ErrnoException): string {
  return error.message || (error.code ?? error.name);
}

/** `Set-Cookie` comes several times, and must not become one. */
function headersOf({ rawHeaders }: http.IncomingMessage): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    headers.append(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  return headers;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const body = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    body.set(piece, at);
    at += piece.length;
  }
  return body;
}
