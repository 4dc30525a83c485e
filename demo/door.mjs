import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** @typedef {import('./gateway.mjs').Gateway} Gateway */
/** @typedef {import('node:net').Socket} Socket */

/** Connects that the kernel holds: all clients come back at once. */
const BACKLOG = 4096;

/** One address for all gateways: each connection goes to the one with the fewest that takes it. */
export class Door {
  #server;
  #gateways;
  /** @type {Map<Socket, Gateway>} */
  #clients = new Map();

  /** @param {readonly Gateway[]} gateways */
  constructor(gateways) {
    this.#gateways = gateways;
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      client.on('error', () => {});
      this.#join(client, new Set(gateways));
    });
  }

  /** @param {number} port of loopback */
  async open(port) {
    this.#server.listen({ port, host: '127.0.0.1', backlog: BACKLOG });
    await once(this.#server, 'listening');
  }

  /** @param {Gateway} gateway */
  connectionsOf(gateway) {
    let count = 0;
    for (const its of this.#clients.values()) if (its === gateway) count++;
    return count;
  }

  /** The gateway with the most first. */
  byConnections() {
    return [...this.#gateways].sort((a, b) => this.connectionsOf(b) - this.connectionsOf(a));
  }

  /** Resets all connections, as a network does that forgets them. @returns how many */
  cut() {
    const cut = [...this.#clients.keys()];
    for (const client of cut) client.resetAndDestroy();
    return cut.length;
  }

  close() {
    this.#server.close();
    this.cut();
  }

  /** @param {Socket} client @param {Set<Gateway>} left those to try */
  #join(client, left) {
    const up = this.byConnections().filter((one) => one.isUp && left.has(one));
    const gateway = up.at(-1);
    if (gateway === undefined) {
      client.destroy();
      return;
    }
    left.delete(gateway);
    this.#clients.set(client, gateway);
    const target = connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true });
    let isConnected = false;
    target.on('error', () => {}); // It is closed, too.
    target.once('connect', () => {
      isConnected = true;
      client.pipe(target).pipe(client);
    });
    target.once('close', () => {
      if (isConnected) client.destroySoon();
      else this.#join(client, left);
    });
    client.once('close', () => {
      this.#clients.delete(client);
      isConnected = true;
      target.destroy();
    });
  }
}
