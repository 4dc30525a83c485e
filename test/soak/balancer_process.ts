/**
 * The balancers of a soak, in a process of their own: whatever the clients do, connections go on.
 *
 * @module
 */
import process from 'node:process';
import { TcpBalancer } from '../support/tcp_balancer.ts';

/** What they are asked for: to begin, each with its targets; to reset a share of their connections. */
export type ToBalancers =
  | { readonly kind: 'start'; readonly targets: readonly (readonly number[])[] }
  | { readonly kind: 'reset'; readonly share: number };
/** Where they listen. */
export type FromBalancers = readonly number[];

const HOST = '127.0.0.1';
const balancers: TcpBalancer[] = [];

process.on('message', async (message: ToBalancers) => {
  if (message.kind === 'start') {
    for (const targets of message.targets) balancers.push(await TcpBalancer.start(targets, HOST));
    process.send!(balancers.map(({ port }) => port) satisfies FromBalancers);
  } else {
    for (const balancer of balancers) balancer.reset(() => Math.random() < message.share);
  }
});
process.on('disconnect', () => process.exit());
