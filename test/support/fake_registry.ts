import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerTo } from '../values/corpus.ts';

/** How it answers: as a registry does, not at all, or with a status. */
type Temper = 'good' | 'silent' | 'nonsense' | 'redirect' | number;

/** A registry that has the schemas of the corpus, below `/kept`, and what it was asked for. */
export class FakeRegistry implements AsyncDisposable {
  temper: Temper = 'good';
  /** Paths in the order in which they were asked for. */
  readonly asked: string[] = [];
  readonly authorizations: Set<string | undefined> = new Set();
  /** Those that it does not have, whatever the corpus says. */
  readonly missing: Set<string> = new Set();
  readonly #server: Server;

  static async start(): Promise<FakeRegistry> {
    const registry = new FakeRegistry();
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  private constructor() {
    this.#server = createServer(({ url, headers }, response) => {
      this.authorizations.add(headers.authorization);
      this.#answer(url!, response);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/kept`;
  }

  #answer(url: string, response: ServerResponse): void {
    const path = url.replace(/^\/kept/, '');
    this.asked.push(path);
    if (this.temper === 'silent') return;
    if (typeof this.temper === 'number') response.writeHead(this.temper).end();
    else if (this.temper === 'nonsense') response.end('<html>');
    else if (this.temper === 'redirect') response.writeHead(302, { location: '/login' }).end();
    else {
      const found = this.missing.has(path) ? null : answerTo(path);
      response.writeHead(found === null ? 404 : 200, {
        'content-type': 'application/vnd.schemaregistry.v1+json',
      });
      response.end(JSON.stringify(found ?? { error_code: 40403, message: 'Schema not found' }));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
