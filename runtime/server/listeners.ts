import type { Config } from '../../app/config/config.ts';
import { GatewayError } from '../../app/errors.ts';
import type { Gateway } from '../../app/gateway.ts';
import type { ClientConnection } from '../../app/ports/client_connection.ts';
import { expiryOf, type Pair } from '../process/pem.ts';
import { ConnectionRoom } from './connection_room.ts';
import { PortWatch, type WatchedPort } from './port_watch.ts';
import { loadCertificate } from './tls.ts';

/** What a listener is made of. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** `null` for plain HTTP/1.1. */
  readonly certificate: Pair | null;
  readonly fetch: (request: Request, connection: ClientConnection) => Response | Promise<Response>;
  /** Default: as much as there are connections. */
  readonly room?: ConnectionRoom;
}

/** An open port. */
export interface Listener {
  /** How many connections it has taken so far. */
  readonly taken: number;
  /** Closes connections that are kept, the others after their answers. New ones get theirs, too. */
  drain(): void;
  /** Shows this certificate to connections from now on; of a listener of HTTPS. */
  renew(certificate: Pair): void;
  /** Listens anew, with the connections that there are. */
  reopen(): void;
  /** Takes no more connections, and cuts those that are open still after so many milliseconds. */
  close(graceMs: number): Promise<void>;
}

/** @throws an error with the system's code (`EADDRINUSE`) when the port cannot be had. */
export type Listen = (options: ListenOptions) => Promise<Listener>;

/** Where the clone, or the image, keeps what has to outlive a process. */
const DATA_DIR = '.data';

/** The ports of a process that are open. */
export class Listeners {
  readonly #listen: Listen;
  readonly #public: Listener[] = [];
  readonly #secure: Listener[] = [];
  readonly #all: Listener[] = [];
  readonly #watched: WatchedPort[] = [];
  #watch: PortWatch | null = null;
  #shown: Pair | null = null;

  constructor(listen: Listen) {
    this.#listen = listen;
  }

  /**
   * Opens the ports of the streams.
   * @returns their addresses, as a person would type them.
   */
  async openPublic(config: Config, fetch: Gateway['fetch']): Promise<string[]> {
    const { host, httpPort, httpsPort } = config;
    const certificate = httpsPort === 0 ? null : await loadCertificate(config, DATA_DIR);
    this.#shown = certificate;
    const room = new ConnectionRoom(config.topics.length);
    // Of workers the primary process says so, once for all.
    if (config.workers === 1) room.warnOf(config.maxConnections);
    const plain = { host, port: httpPort, certificate: null, fetch, room };
    const http = await this.#open('HTTP_PORT', plain);
    const https = await this.#open('HTTPS_PORT', { ...plain, port: httpsPort, certificate });
    this.#public.push(...http.listeners, ...https.listeners);
    this.#secure.push(...https.listeners);
    return [...http.urls, ...https.urls];
  }

  /** Asks the ports of the streams from now on whether they answer, and opens anew what does not. */
  watch(): void {
    this.#watch = new PortWatch(this.#watched);
  }

  /** Ports that do not answer, in words. */
  get silent(): readonly string[] {
    return this.#watch?.silent ?? [];
  }

  /**
   * Opens the port of health and metrics.
   * @returns its address, as `openPublic()` does.
   */
  async openAdmin(config: Config, fetch: ListenOptions['fetch']): Promise<string[]> {
    const { adminHost: host, adminPort: port } = config;
    return (await this.#open('ADMIN_PORT', { host, port, certificate: null, fetch })).urls;
  }

  /**
   * Reads the certificate of HTTPS again; one that is made by the gateway stays.
   * @throws GatewayError `CERTIFICATE` where the files hold no pair: the old one stays.
   */
  async renewCertificate(config: Config): Promise<void> {
    if (config.tlsCertFile === null || this.#secure.length === 0) return;
    const certificate = await loadCertificate(config, DATA_DIR);
    for (const listener of this.#secure) listener.renew(certificate);
    this.#shown = certificate;
  }

  /** When the certificate that is shown ends, in seconds of Unix time; `null` without HTTPS. */
  get certificateExpiry(): number | null {
    return this.#shown === null ? null : expiryOf(this.#shown.cert);
  }

  /** Those of the admin port are left: an orchestrator's probe may keep its connection. */
  drain(): void {
    for (const listener of this.#public) listener.drain();
  }

  async close(graceMs: number): Promise<void> {
    this.#watch?.close();
    await Promise.all(this.#all.splice(0).map((listener) => listener.close(graceMs)));
  }

  async #open(setting: string, options: ListenOptions) {
    const listeners: Listener[] = [];
    if (options.port === 0) return { listeners, urls: [] };
    const listen = async (host: string): Promise<void> => {
      const listener = await this.#listen({ ...options, host });
      listeners.push(listener);
      this.#all.push(listener);
      const watched = {
        setting,
        host,
        port: options.port,
        taken: () => listener.taken,
        reopen: () => listener.reopen(),
      };
      if (options.room !== undefined) this.#watched.push(watched);
    };
    try {
      await listenOnAll(options.host, listen);
    } catch (cause) {
      throw listenError(setting, options, cause);
    }
    const scheme = options.certificate === null ? 'http' : 'https';
    return { listeners, urls: [`${scheme}://${authority(options)}`] };
  }
}

/** `localhost` is two addresses, one of which a browser takes; the machine may have no IPv6. */
async function listenOnAll(host: string, listen: (host: string) => Promise<void>): Promise<void> {
  if (host === 'localhost') {
    await listen('127.0.0.1');
    await listen('::1').catch(unlessTaken);
  } else if (host === '::') {
    await listen('::').catch((error) => {
      unlessTaken(error);
      return listen('0.0.0.0');
    });
  } else {
    await listen(host);
  }
}

/** The systems have many errors for an IPv6 that is off, and few for a port that cannot be had. */
function unlessTaken(error: NodeJS.ErrnoException): void {
  if (error.code === 'EADDRINUSE' || error.code === 'EACCES') throw error;
}

/** The ports of the streams that are on. */
export function publicPorts({ host, httpPort, httpsPort }: Config): WatchedPort[] {
  const ports = [
    { setting: 'HTTP_PORT', host, port: httpPort },
    { setting: 'HTTPS_PORT', host, port: httpsPort },
  ];
  return ports.filter(({ port }) => port !== 0);
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
