import { readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Authority } from '../support/authority.ts';
import { eventually } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { type Gateway, newFolder } from '../support/gateway.ts';
import { type Command, Program } from '../support/program.ts';

/** Where one proxy of a test stands. */
export interface Place {
  readonly folder: string;
  /** Its configuration, filled in. */
  readonly config: string;
  readonly port: number;
  readonly adminPort: number;
}

/** A proxy as `docs/proxies/` sets it up. */
export interface ProxyKind {
  readonly name: string;
  /** Its file there. */
  readonly file: string;
  /** Makes a whole configuration of it, where that is a part of one. */
  wrap?(config: string, place: Place): string;
  command(place: Place): Command;
  /** Has it read its configuration anew. @returns a program that takes its place, if there is one */
  reload(proxy: Program, place: Place): Promise<Program | null>;
  /** A file that it leaves behind outside of its folder. */
  leaves?(place: Place): string;
  /** How many streams of one connection of HTTP/2 it serves. */
  readonly streamsPerConnection: number;
  /** Whether it ends a stream that is idle for long. */
  readonly hasIdleTimeout: boolean;
  /** Whether an EventSource hears from it when to come back while no gateway is there. */
  readonly answersForGateways: boolean;
}

/** Some have children that nobody else would end. */
const ENDS_WITH_US = ['setpriv', '--pdeathsig', 'TERM', '--'] as const;

/** A proxy in front of a gateway, on a port of its own. */
export class FrontProxy implements AsyncDisposable {
  readonly url: string;
  readonly #kind: ProxyKind;
  readonly #place: Place;
  readonly #idleSeconds: number;
  readonly #programs: Program[] = [];

  /** @param idleSeconds takes the place of the 60 s in the file */
  static async start(
    kind: ProxyKind,
    gateway: Gateway,
    { idleSeconds = 60 }: { idleSeconds?: number } = {},
  ): Promise<FrontProxy> {
    const folder = await newFolder();
    const place = {
      folder,
      config: join(folder, kind.file),
      port: await freePort(),
      adminPort: await freePort(),
    };
    await writeCertificate(folder);
    const proxy = new FrontProxy(kind, place, idleSeconds);
    await proxy.#configure(gateway);
    await proxy.#start();
    return proxy;
  }

  private constructor(kind: ProxyKind, place: Place, idleSeconds: number) {
    this.#kind = kind;
    this.#place = place;
    this.#idleSeconds = idleSeconds;
    this.url = `https://localhost:${place.port}`;
  }

  async #start(): Promise<void> {
    const command = this.#kind.command(this.#place);
    const program = new Program([...ENDS_WITH_US, ...command], { cwd: this.#place.folder });
    this.#programs.push(program);
    try {
      await eventually(
        () => `${this.#kind.name} to listen; it said ${program.stdout}${program.stderr}`,
        async () => {
          if (program.hasEnded) throw new Error(`it ended: ${program.stdout}${program.stderr}`);
          return takesConnections(this.#place.port);
        },
      );
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Has it stand in front of another gateway from now on. */
  async reload(gateway: Gateway): Promise<void> {
    await this.#configure(gateway);
    const next = await this.#kind.reload(this.#programs.at(-1)!, this.#place);
    if (next !== null) this.#programs.push(next);
  }

  /** Writes the file as it is documented, with the ports and files of this machine. */
  async #configure(gateway: Gateway): Promise<void> {
    const { file, wrap } = this.#kind;
    const { folder, port, config } = this.#place;
    const text = await readFile(new URL(`../../docs/proxies/${file}`, import.meta.url), 'utf8');
    const filled = text
      .replaceAll('/etc/ssl/', `${folder}/`)
      .replaceAll('gateway.example', 'localhost')
      .replaceAll(/\b443\b/g, String(port))
      .replaceAll(/\b8080\b/g, new URL(gateway.http).port)
      .replaceAll(/\b9091\b/g, new URL(gateway.admin).port)
      .replaceAll(/\b60(?=s\b)|(?<=timeout=)60\b/g, String(this.#idleSeconds));
    await writeFile(config, wrap?.(filled, this.#place) ?? filled);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs.toReversed()) {
      // Those that have children end them on this one.
      program.kill('SIGTERM');
      await program.ended();
    }
    const left = this.#kind.leaves?.(this.#place);
    if (left !== undefined) await rm(left, { force: true });
  }
}

async function writeCertificate(folder: string): Promise<void> {
  const { cert, key } = await (await Authority.create()).issue({ name: 'localhost' });
  await writeFile(join(folder, 'gateway.pem'), cert);
  // HAProxy looks for the second one.
  for (const name of ['gateway.key', 'gateway.pem.key']) await writeFile(join(folder, name), key);
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
