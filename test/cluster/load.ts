import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { eventually } from '../support/deadline.ts';
import { IMAGE, kubectl, NAMESPACE, produce, succeed } from './cluster.ts';

const CLIENTS = 40;
const POD = 'load-clients';
/** Small batches, so that a pod never goes in a pause between two. */
const BATCH = 20;
const DEADLINE_MS = 120_000;

/** What the clients have. */
export interface Report {
  /** Different records, by client. */
  readonly counts: readonly number[];
  readonly cuts: number;
  /** What came twice, or should not have come. */
  readonly faults: readonly string[];
}

/** Clients in the cluster, half on HTTP, half on HTTPS, and records for them as fast as kcat goes. */
export class Load implements AsyncDisposable {
  readonly #topic: string;
  #produced = 0;
  #isOn = true;
  #producing: Promise<void> = Promise.resolve();

  /** Waits until every client has had the first records. */
  static async start(topic: string): Promise<Load> {
    await succeed(['kubectl', 'apply', '--filename', '-'], JSON.stringify(podOf(topic)));
    const load = new Load(topic);
    try {
      await load.#produce();
      await load.settled();
      load.#producing = load.#keepProducing();
      return load;
    } catch (error) {
      await load[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(topic: string) {
    this.#topic = topic;
  }

  get produced(): number {
    return this.#produced;
  }

  /** Produces no more, and waits until the clients have all there is. */
  async end(): Promise<Report> {
    this.#isOn = false;
    await this.#producing;
    return this.settled();
  }

  /** Waits until every client has every record, or something that it should not have. */
  async settled(): Promise<Report> {
    let seen = '';
    return eventually(
      () => `${this.#produced} records at every client; they said ${seen}`,
      async () => {
        seen = await kubectl('logs', POD, '--tail=1').catch((error: Error) => error.message);
        if (!seen.startsWith('{')) return null;
        const report: Report = JSON.parse(seen);
        const isWhole = report.counts.every((count) => count === this.#produced);
        return isWhole || report.faults.length > 0 ? report : null;
      },
      DEADLINE_MS,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOn = false;
    await this.#producing.catch(() => {});
    await kubectl('delete', 'pod', POD, '--grace-period=1');
  }

  async #keepProducing(): Promise<void> {
    while (this.#isOn) await this.#produce();
  }

  async #produce(): Promise<void> {
    const numbers = Array.from({ length: BATCH }, (_, i) => this.#produced + i);
    await produce(this.#topic, ...numbers.map((number) => `key${number % 7}:${number}`));
    this.#produced += BATCH;
  }
}

function podOf(topic: string): object {
  const script = readFileSync(join(CLONE, 'test', 'cluster', 'load_clients.mjs'), 'utf8');
  const urls = ['http://sse-kafka-fanout:8080', 'https://sse-kafka-fanout:9090'];
  const args = ['--input-type=module', '-e', script, String(CLIENTS)];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: POD, namespace: NAMESPACE },
    spec: {
      restartPolicy: 'Never',
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'clients',
          image: IMAGE,
          imagePullPolicy: 'IfNotPresent',
          command: ['node', ...args, ...urls.map((url) => `${url}/${topic}`)],
          // The certificate is self-signed.
          env: [{ name: 'NODE_TLS_REJECT_UNAUTHORIZED', value: '0' }],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
    },
  };
}
