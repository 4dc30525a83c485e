/** What of a broker's settings differs from one to the next. */
export interface ServerOptions {
  readonly port: number;
  readonly controllerPort: number;
  /** Whether `[::1]` can be listened on: clients may try it first for `localhost`. */
  readonly ipv6: boolean;
  /** Where the records lie, relative to the broker's working folder. */
  readonly logDir: string;
  /** Settings that win over those below. */
  readonly properties: Readonly<Record<string, string>>;
}

/** The text of `server.properties` for a single broker, its own controller, on this machine only. */
export function serverProperties(options: ServerOptions): string {
  const { port, controllerPort, ipv6, logDir, properties } = options;
  const listeners = [`PLAINTEXT://127.0.0.1:${port}`, `CONTROLLER://127.0.0.1:${controllerPort}`];
  const advertised = [`PLAINTEXT://localhost:${port}`];
  if (ipv6) {
    listeners.push(`PLAINTEXT_IPV6://[::1]:${port}`);
    advertised.push(`PLAINTEXT_IPV6://localhost:${port}`);
  }
  const all: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: listeners.join(),
    'advertised.listeners': advertised.join(),
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,PLAINTEXT_IPV6:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': logDir,
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': '0',
    // 50 partitions each by default, made for a cluster.
    'offsets.topic.num.partitions': '1',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    // After kill -9 the controller waits until the session of the killed broker has run out, 9 s by
    // default, before the next one may register.
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '500',
    // The controller writes nothing while nothing happens; by default a record each half second, which
    // every broker looks through: a third of what an idle one computes.
    'metadata.max.idle.interval.ms': '0',
    // Taken whole at the start; 128 MB by default.
    'log.cleaner.dedupe.buffer.size': '33554432',
    ...properties,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('');
}
