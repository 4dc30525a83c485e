import { connect, createServer, type Server, type Socket } from 'node:net';
import { within } from './deadline.ts';
import { freePort } from './free_port.ts';

/** Passes connections on to another port of this machine, counts them, and can cut them. */
export class Relay implements AsyncDisposable {
  readonly port: number;
  /** When each connection came, in milliseconds. */
  readonly times: number[] = [];
  readonly #to: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  static async start(to: number): Promise<Relay> {
    const relay = new Relay(await freePort(), to);
    const listening = new Promise<void>((done, fail) => {
      relay.#server.once('error', fail).listen(relay.port, '127.0.0.1', done);
    });
    await within('a relay to listen', listening);
    return relay;
  }

  private constructor(port: number, to: number) {
    this.port = port;
    this.#to = to;
    this.#server = createServer((socket) => this.#pass(socket));
  }

  /** Ends all connections; new ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    this.cut();
    await within('a relay to close', closed);
  }

  #pass(socket: Socket): void {
    this.times.push(performance.now());
    const onward = connect(this.#to, '127.0.0.1');
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => {}); // Its end is passed on.
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
