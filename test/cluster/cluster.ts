import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { connect } from 'node:tls';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { within } from '../support/deadline.ts';
import { type Command, type Outcome, Program, run, succeeded } from '../support/program.ts';

export const NAMESPACE = 'sse-kafka-fanout';
export const GATEWAY = 'deployment/sse-kafka-fanout';

const { version } = JSON.parse(readFileSync(join(CLONE, 'package.json'), 'utf8'));
/** The image that setup.sh builds. */
export const LOCAL_IMAGE = `sse-kafka-fanout:${version}`;
/** The image that runs in the cluster. */
export const IMAGE: string = process.env['IMAGE'] || LOCAL_IMAGE;

/** The walk-through's line. */
export const PUBLISH = 'echo "Hello, world `date`" | kcat -P -b localhost:9092 -t events -k 1';

/** How long a step of an installation may take. */
const STEP_MS = 600_000;

/** What the tools take from the environment. */
const ENV = Object.fromEntries(
  ['KUBECONFIG', 'DOCKER_HOST', 'DOCKER_BUILDKIT', 'IMAGE', 'LOAD_IMAGE'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  }),
);

/** Runs a command in the clone. */
export function outcome(command: Command, input?: string): Promise<Outcome> {
  const options = { cwd: CLONE, env: ENV, ...(input === undefined ? {} : { input }) };
  return run(command, options, STEP_MS);
}

/** Runs a command in the clone. @returns what it printed @throws when it fails */
export async function succeed(command: Command, input?: string): Promise<string> {
  return succeeded(command.join(' '), await outcome(command, input)).stdout.toString();
}

/** Runs `kubectl` in the namespace of the walk-through. */
export function kubectl(...args: readonly string[]): Promise<string> {
  return succeed(['kubectl', '--namespace', NAMESPACE, ...args]);
}

/** The gateways, but for those that are on their way out: these drain for some seconds. */
export async function podNames(): Promise<string[]> {
  const label = 'app.kubernetes.io/component=gateway';
  const { items } = JSON.parse(await kubectl('get', 'pods', '-l', label, '-o', 'json')) as {
    items: { metadata: { name: string; deletionTimestamp?: string } }[];
  };
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => `pod/${metadata.name}`)
    .sort();
}

/** Starts a program of the clone that goes on. */
export function start(...command: Command): Program {
  return new Program(command, { cwd: CLONE, env: { ...ENV, NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
}

/** Produces records to the forwarded Kafka: lines `key:value`. */
export async function produce(topic: string, ...lines: readonly string[]): Promise<void> {
  await succeed(['kcat', '-P', '-b', 'localhost:9092', '-t', topic, '-K:'], lines.join('\n'));
}

/** Creates a topic as setup.sh does, but not compacted. */
export async function createTopic(name: string, partitions: number): Promise<void> {
  const tool = '/opt/kafka/bin/kafka-topics.sh';
  const args = ['--bootstrap-server', 'localhost:9092', '--create', '--topic', name];
  await kubectl('exec', 'statefulset/kafka', '--', tool, ...args, '--partitions', `${partitions}`);
}

/** Starts the command-line client. */
export function sseCat(url: string): Program {
  return start(process.execPath, 'sse_cat/sse-cat.mjs', url);
}

/** The fingerprint of the certificate that is served. */
export function fingerprint(): Promise<string> {
  const shown = new Promise<string>((resolve, reject) => {
    const socket = connect({ host: 'localhost', port: 9090, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
  return within('the certificate', shown);
}
