import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { type Broker, startBroker } from '../../runtime/embedded_kafka/broker.ts';
import { LOG_DIR } from '../../runtime/embedded_kafka/storage.ts';
import { within } from './deadline.ts';
import { freePort } from './free_port.ts';
import { copyFormatted, relayedProperties } from './own_kafka.ts';
import { Relay } from './relay.ts';
import { timed } from './times.ts';

const NODES = [1, 2, 3];
const START_MS = 120_000;

/** The zone of a broker; only who names one is sent there. */
function rackOf(id: number): string {
  return `zone-${id}`;
}

interface Node {
  port: number;
  readonly controllerPort: number;
  readonly dataDir: string;
  readonly properties: Readonly<Record<string, string>>;
  /** Another way in, which counts what it passes on. */
  readonly relay: Relay | null;
  broker: Broker | null;
}

/** Three brokers of one Kafka, each its own process, any one of which may be killed. */
export class KafkaCluster implements AsyncDisposable {
  /** By port. */
  readonly #nodes: Map<number, Node>;
  readonly #folder: string;

  /** @param relayed whether each broker has a relay, whose clients are told the relays' addresses */
  static async start({ relayed = false } = {}): Promise<KafkaCluster> {
    const folder = await mkdtemp(join(process.env['TEST_FOLDER']!, 'cluster-'));
    const ports = await Promise.all(NODES.map(() => freePort()));
    const controllerPorts = await Promise.all(NODES.map(() => freePort()));
    const voters = NODES.map((id, n) => `${id}@127.0.0.1:${controllerPorts[n]}`).join();
    const behind = relayed ? await Promise.all(NODES.map(() => freePort())) : [];
    const relays = await Promise.all(behind.map((port) => Relay.start(port)));
    const nodes = NODES.map((id, n) => ({
      port: ports[n]!,
      controllerPort: controllerPorts[n]!,
      dataDir: join(folder, `${id}`),
      relay: relays[n] ?? null,
      properties: {
        ...relayedProperties(
          ports[n]!,
          controllerPorts[n]!,
          relays.slice(n, n + 1).map((relay) => ({ port: behind[n]!, toldPort: relay.port })),
        ),
        'node.id': `${id}`,
        'broker.rack': rackOf(id),
        'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
        'controller.quorum.voters': voters,
        // The first replica leads again soon after it is back.
        'leader.imbalance.check.interval.seconds': '1',
        'leader.imbalance.per.broker.percentage': '0',
      },
      broker: null,
    }));
    const cluster = new KafkaCluster(folder, nodes);
    const starting = cluster
      .#format()
      .then(() => Promise.all(ports.map((one) => cluster.start(one))));
    await timed('kafka', 'cluster', () => within('a cluster to start', starting, START_MS));
    return cluster;
  }

  private constructor(folder: string, nodes: readonly Node[]) {
    this.#folder = folder;
    this.#nodes = new Map(nodes.map((node) => [node.port, node]));
  }

  get ports(): number[] {
    return [...this.#nodes.keys()];
  }

  /** The zone of the broker at a port. */
  rack(port: number): string {
    return this.#nodes.get(port)!.properties['broker.rack']!;
  }

  get brokers(): string {
    return this.ports.map((port) => `localhost:${port}`).join();
  }

  /** What a relay has passed on from the broker at a port; only where there are relays. */
  passed(port: number): number {
    return this.#nodes.get(port)!.relay!.passed;
  }

  /** The brokers behind their relays, for those whose bytes are counted. */
  get relayedBrokers(): string {
    return [...this.#nodes.values()].map(({ relay }) => `localhost:${relay!.port}`).join();
  }

  /** Ends one as a power cut would. */
  async kill(port: number): Promise<void> {
    const node = this.#nodes.get(port)!;
    await node.broker?.kill();
    node.broker = null;
  }

  /** Starts one again, with what it has on disk. */
  async start(port: number): Promise<void> {
    const node = this.#nodes.get(port)!;
    const signal = AbortSignal.timeout(START_MS);
    node.broker = await startBroker({ ...node, signal, onProgress: () => {} });
  }

  /** Starts one that was killed on another port. @returns that port */
  async startElsewhere(port: number): Promise<number> {
    const node = this.#nodes.get(port)!;
    node.port = await freePort();
    this.#nodes.delete(port);
    this.#nodes.set(node.port, node);
    await this.start(node.port);
    return node.port;
  }

  /** From now on it does nothing, but its connections stay, as on a machine that hangs. */
  freeze(port: number): void {
    process.kill(this.#nodes.get(port)!.broker!.pid, 'SIGSTOP');
  }

  thaw(port: number): void {
    process.kill(this.#nodes.get(port)!.broker!.pid, 'SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#nodes.keys()].map((port) => this.kill(port)));
    await Promise.all([...this.#nodes.values()].map(({ relay }) => relay?.[Symbol.asyncDispose]()));
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Makes the folders, of one cluster. */
  async #format(): Promise<void> {
    for (const { dataDir, properties } of this.#nodes.values()) {
      await copyFormatted(dataDir);
      const file = join(dataDir, LOG_DIR, 'meta.properties');
      const text = await readFile(file, 'utf8');
      const own = text
        .replace(/^node\.id=.*$/m, `node.id=${properties['node.id']}`)
        .replace(/^directory\.id=.*$/m, `directory.id=${randomBytes(16).toString('base64url')}`);
      await writeFile(file, own);
    }
  }
}
