import type { Config } from '../app/config.ts';
import { GatewayError } from '../app/errors.ts';
import type { Gateway } from '../app/gateway.ts';
import type { ClientConnection } from '../app/http/client_connection.ts';
import { type Certificate, loadCertificate } from './tls.ts';

/** What a listener is made of. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** `null` for plain HTTP/1.1. */
  readonly certificate: Certificate | null;
  readonly fetch: (request: Request, connection: ClientConnection) => Response | Promise<Response>;
}

/** An open port. */
export interface Listener {
  /** Closes connections that are kept, the others after their answers. New ones get theirs, too. */
  drain(): void;
  /** Takes no more connections, and cuts those that are open still after so many milliseconds. */
  close(graceMs: number): Promise<void>;
}

/** @throws an error with the system's code (`EADDRINUSE`) when the port cannot be had. */
export type Listen = (options: ListenOptions) => Promise<Listener>;

/** Where the clone, or the image, keeps what has to outlive a process. */
const DATA_DIR = '.data';

/** The ports of a process that are open. */
export class Listeners {
  /** As a person would type them. */
  readonly urls: string[] = [];
  readonly #listen: Listen;
  readonly #public: Listener[] = [];
  readonly #all: Listener[] = [];

  constructor(listen: Listen) {
    this.#listen = listen;
  }

  /** Opens the ports of the streams. */
  async openPublic(config: Config, fetch: Gateway['fetch']): Promise<void> {
    const { host, httpPort, httpsPort } = config;
    const certificate = httpsPort === 0 ? null : await loadCertificate(config, DATA_DIR);
    await this.#open('HTTP_PORT', { host, port: httpPort, certificate: null, fetch }, this.#public);
    await this.#open('HTTPS_PORT', { host, port: httpsPort, certificate, fetch }, this.#public);
  }

  /** Opens the port of health and metrics. */
  async openAdmin({ adminHost, adminPort }: Config, fetch: ListenOptions['fetch']): Promise<void> {
    await this.#open('ADMIN_PORT', { host: adminHost, port: adminPort, certificate: null, fetch });
  }

  /** Those of the admin port are left: an orchestrator's probe may keep its connection. */
  drain(): void {
    for (const listener of this.#public) listener.drain();
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all(this.#all.splice(0).map((listener) => listener.close(graceMs)));
  }

  async #open(setting: string, options: ListenOptions, kind: Listener[] = []): Promise<void> {
    if (options.port === 0) return;
    try {
      const listener = await this.#listen(options);
      this.#all.push(listener);
      kind.push(listener);
    } catch (cause) {
      throw listenError(setting, options, cause);
    }
    this.urls.push(`${options.certificate === null ? 'http' : 'https'}://${authority(options)}`);
  }
}

function listenError(setting: string, options: ListenOptions, cause: unknown): GatewayError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why =
    code === 'EADDRINUSE'
      ? 'is in use: stop what listens there, or set another port'
      : `cannot be listened on (${message}): set another port or host`;
  return new GatewayError('PORT_IN_USE', `${setting}: ${authority(options)} ${why}`, { cause });
}

/** As a person would type it. */
function authority({ host, port }: { host: string; port: number }): string {
  const name = host === '127.0.0.1' || host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `${name.includes(':') ? `[${name}]` : name}:${port}`;
}
