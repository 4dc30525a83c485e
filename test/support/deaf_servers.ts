import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import process from 'node:process';
import { eventually } from './deadline.ts';
import { freePort } from './free_port.ts';

const LISTEN =
  'require("node:net").createServer().listen({ port: +process.argv[1], backlog: 1 }, () => console.log())';
/** More than wait to be taken. */
const WAITING = 4;

/** An address that takes no connection and refuses none, as a machine that is gone. */
export class Deaf implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #waiting: readonly Socket[];

  static async start(): Promise<Deaf> {
    const port = await freePort();
    const child = spawn(process.execPath, ['-e', LISTEN, String(port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout!, 'data');
    child.kill('SIGSTOP');
    const waiting = Array.from({ length: WAITING }, () =>
      connect(port, '127.0.0.1').on('error', () => {}),
    );
    await eventually('a connection to be taken', async () =>
      waiting.some(({ pending }) => !pending),
    );
    return new Deaf(port, child, waiting);
  }

  private constructor(port: number, child: ChildProcess, waiting: readonly Socket[]) {
    this.port = port;
    this.#child = child;
    this.#waiting = waiting;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#waiting) socket.destroy();
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** An address that takes connections and says nothing. */
export class Silent implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  static async start(): Promise<Silent> {
    const silent = new Silent(await freePort());
    await once(silent.#server.listen(silent.port), 'listening');
    return silent;
  }

  private constructor(port: number) {
    this.port = port;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).resume();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
