import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { within } from '../support/deadline.ts';
import type { FromBalancers, ToBalancers } from './balancer_process.ts';

const START_MS = 60_000;

/** Where clients come in: before each gateway's ports, in a process of its own. */
export class Balancers implements AsyncDisposable {
  readonly http: number;
  readonly https: number;
  readonly #child: ChildProcess;

  static async start(
    replicas: readonly { readonly http: number; readonly https: number }[],
  ): Promise<Balancers> {
    const child = fork(new URL('./balancer_process.js', import.meta.url));
    const targets = [replicas.map(({ http }) => http), replicas.map(({ https }) => https)];
    child.send({ kind: 'start', targets } satisfies ToBalancers);
    const [ports] = await within('the balancers', once(child, 'message'), START_MS);
    return new Balancers(child, ports as FromBalancers);
  }

  private constructor(child: ChildProcess, [http, https]: FromBalancers) {
    this.#child = child;
    this.http = http!;
    this.https = https!;
  }

  /** Resets a share of the connections, as a network does that forgets them. */
  reset(share: number): void {
    this.#child.send({ kind: 'reset', share } satisfies ToBalancers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
  }
}
