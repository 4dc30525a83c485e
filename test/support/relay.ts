import { connect, createServer, type Server, type Socket } from 'node:net';
import { type Duplex, PassThrough, Transform } from 'node:stream';
import { within } from './deadline.ts';
import { freePort } from './free_port.ts';

/** What becomes of bytes on their way back; it may write to the client's socket, or end it. */
export type Spoil = (bytes: Buffer, client: Socket) => Buffer;

/** What a connection's bytes go through on their way there and back. */
export interface Way {
  readonly there: Duplex;
  readonly back: Duplex;
}

/** Passes connections on to another port of this machine, counts them, can cut and spoil them. */
export class Relay implements AsyncDisposable {
  readonly port: number;
  /** When each connection came, in milliseconds. */
  readonly times: number[] = [];
  /** `null` to pass answers on as they are. */
  spoil: Spoil | null = null;
  /** For each client's new connection; `null` to pass both ways on as they are. */
  way: ((client: Socket) => Way) | null = null;
  /** How many bytes came back. */
  passed = 0;
  readonly #to: number;
  #cutAfter: number | null;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** @param cutAfter so many bytes towards the client its first connection ends */
  static async start(to: number, cutAfter: number | null = null): Promise<Relay> {
    return Relay.startAt(await freePort(), to, cutAfter);
  }

  /** Starts one on a port that clients know already. */
  static async startAt(port: number, to: number, cutAfter: number | null = null): Promise<Relay> {
    const relay = new Relay(port, to, cutAfter);
    const listening = new Promise<void>((done, fail) => {
      relay.#server.once('error', fail).listen(relay.port, '127.0.0.1', done);
    });
    await within('a relay to listen', listening);
    return relay;
  }

  private constructor(port: number, to: number, cutAfter: number | null) {
    this.port = port;
    this.#to = to;
    this.#cutAfter = cutAfter;
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
    const { there, back } = this.way?.(socket) ?? this.#plainWay(socket);
    socket.pipe(there).pipe(onward);
    if (this.#cutAfter !== null) this.#passPart(onward, socket);
    else onward.pipe(back).pipe(socket);
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
    }
    onward.on('data', ({ length }: Buffer) => {
      this.passed += length;
    });
  }

  #plainWay(socket: Socket): Way {
    const back = new Transform({
      transform: (bytes: Buffer, _, done) => done(null, this.spoil?.(bytes, socket) ?? bytes),
    });
    return { there: new PassThrough(), back };
  }

  #passPart(from: Socket, to: Socket): void {
    let left = this.#cutAfter!;
    this.#cutAfter = null;
    from.on('data', (bytes: Buffer) => {
      to.write(bytes.subarray(0, Math.max(0, left)));
      if (left <= bytes.length) to.end(() => from.destroy());
      left -= bytes.length;
    });
  }
}
