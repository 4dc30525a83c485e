import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from './free_port.ts';

/** Connects that the kernel holds: thousands come back at once after a restart. */
const BACKLOG = 4096;

/** A plain TCP balancer: hands each connection to the next of its targets that takes it. */
export class TcpBalancer implements AsyncDisposable {
  readonly port: number;
  /** Connections that no target took. */
  refused = 0;
  /** Ports, which may change. */
  readonly targets: number[] = [];
  readonly #host: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #next = 0;

  /** @param host where it listens, and where its targets do; an address saves looking it up */
  static async start(targets: readonly number[], host = 'localhost'): Promise<TcpBalancer> {
    const balancer = new TcpBalancer(await freePort(), targets, host);
    const { port } = balancer;
    await new Promise<void>((done) =>
      balancer.#server.listen({ port, host, backlog: BACKLOG }, done),
    );
    return balancer;
  }

  private constructor(port: number, targets: readonly number[], host: string) {
    this.port = port;
    this.#host = host;
    this.targets.push(...targets);
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#keep(socket);
      this.#join(socket, this.targets.length);
    });
  }

  /** Resets connections, as a network does that forgets them; new ones are taken. */
  reset(isStruck: () => boolean): void {
    for (const socket of this.#sockets) if (isStruck()) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** @param tries how many targets are tried */
  #join(client: Socket, tries: number): void {
    if (tries === 0) {
      this.refused++;
      client.destroy();
      return;
    }
    const port = this.targets[this.#next++ % this.targets.length]!;
    const target = connect({ port, host: this.#host, allowHalfOpen: true });
    this.#keep(target);
    target.once('error', () => {
      if (target.bytesRead + target.bytesWritten === 0) this.#join(client, tries - 1);
      else client.destroy();
    });
    target.once('connect', () => {
      if (client.destroyed) target.destroy();
      client.pipe(target).pipe(client);
      client.once('close', () => target.destroy());
      target.once('close', () => client.destroySoon());
    });
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
