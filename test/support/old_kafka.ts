import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { startBroker } from '../../runtime/embedded_kafka/broker.ts';
import { fetchJars } from '../../runtime/embedded_kafka/jars.ts';
import { findJava, JAVA_LOCALE, javaEnvironment } from '../../runtime/embedded_kafka/java.ts';
import { eventually, within } from './deadline.ts';
import { freePort } from './free_port.ts';
import { run } from './program.ts';

/** Maven's first fetch, and two JVMs. */
const START_MS = 300_000;

/** A Kafka of an older version. */
export class OldKafka implements AsyncDisposable {
  readonly brokers: string;
  readonly #folder: string;
  readonly #end: () => Promise<void>;

  static async start(version: string): Promise<OldKafka> {
    const folder = await mkdtemp(join(process.env['TEST_FOLDER']!, `kafka-${version}-`));
    const port = await freePort();
    const start = version.startsWith('2.') ? startWithZooKeeper : startAlone;
    const end = await within(`Kafka ${version} to start`, start(version, port, folder), START_MS);
    return new OldKafka(`localhost:${port}`, folder, end);
  }

  private constructor(brokers: string, folder: string, end: () => Promise<void>) {
    this.brokers = brokers;
    this.#folder = folder;
    this.#end = end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

type Start = (version: string, port: number, folder: string) => Promise<() => Promise<void>>;

const startAlone: Start = async (version, port, dataDir) => {
  const signal = AbortSignal.timeout(START_MS);
  const broker = await startBroker({ version, port, dataDir, signal, onProgress: () => {} });
  return () => broker.kill();
};

/** Versions before 3.3, for which nothing else was meant. */
const startWithZooKeeper: Start = async (version, port, folder) => {
  const signal = AbortSignal.timeout(START_MS);
  const [java, jars] = [await findJava(signal), await fetchJars(signal, () => {}, version)];
  const zooKeeper = await freePort();
  const children: ChildProcess[] = [];
  const begin = async (main: string, settings: readonly string[]): Promise<void> => {
    const file = join(folder, `${main}.properties`);
    await writeFile(file, settings.join('\n'));
    const options = [...JAVA_LOCALE, '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
    const log = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error';
    const args = [...options, log, '-cp', join(jars, '*'), main, file];
    children.push(spawn(java, args, { cwd: folder, env: javaEnvironment(), stdio: 'ignore' }));
  };
  await begin('org.apache.zookeeper.server.quorum.QuorumPeerMain', [
    `dataDir=${join(folder, 'zookeeper')}`,
    `clientPort=${zooKeeper}`,
    'clientPortAddress=127.0.0.1',
    'admin.enableServer=false',
  ]);
  await begin('kafka.Kafka', [
    'broker.id=1',
    `listeners=PLAINTEXT://127.0.0.1:${port}`,
    `advertised.listeners=PLAINTEXT://localhost:${port}`,
    `zookeeper.connect=127.0.0.1:${zooKeeper}`,
    'zookeeper.connection.timeout.ms=120000',
    `log.dirs=${join(folder, 'log')}`,
    'auto.create.topics.enable=false',
    'offsets.topic.replication.factor=1',
    'transaction.state.log.num.partitions=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'log.cleaner.dedupe.buffer.size=33554432',
  ]);
  const isUp = async (): Promise<boolean> =>
    (await run(['kcat', '-L', '-b', `localhost:${port}`, '-m', '2'])).code === 0;
  await eventually(`Kafka ${version} to answer`, isUp, START_MS);
  return async () => {
    for (const child of children) {
      const ended = once(child, 'exit');
      if (child.kill('SIGKILL')) await ended;
    }
  };
};
