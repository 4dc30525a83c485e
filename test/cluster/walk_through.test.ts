import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, describe, expect, test } from '@jest/globals';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { isTaken } from '../../runtime/embedded_kafka/ports.ts';
import { eventually } from '../support/deadline.ts';
import { succeeded } from '../support/program.ts';
import { shared } from '../support/shared.ts';
import { TestBrowser } from '../support/test_browser.ts';
import {
  createTopic,
  fingerprint,
  GATEWAY,
  kubectl,
  NAMESPACE,
  outcome,
  PUBLISH,
  podNames,
  produce,
  sseCat,
  start,
  succeed,
} from './cluster.ts';
import { Load } from './load.ts';

const FORWARDED = [8080, 9090, 9092];
const STEPS = [
  `helm upgrade --install sse-kafka-fanout-kafka helm/kafka --namespace ${NAMESPACE}`,
  `kubectl exec --namespace ${NAMESPACE} pod/kafka-0 --`,
  `helm upgrade --install sse-kafka-fanout helm/gateway --namespace ${NAMESPACE}`,
  'nc -z localhost 8080',
];
const FORWARDS = [
  `kubectl port-forward --namespace ${NAMESPACE} service/sse-kafka-fanout 8080 9090`,
  `kubectl port-forward --namespace ${NAMESPACE} service/kafka 9092 29092`,
];
/** Topics of the cases under load. */
const LOADED = ['deleted', 'killed', 'upgraded'];
const PORT_FORWARD = ['port-forward', '--namespace', NAMESPACE, 'service/sse-kafka-fanout'];

async function untilFree(...ports: readonly number[]): Promise<void> {
  await eventually(`the ports ${ports} to be free`, async () => {
    const taken = await Promise.all(ports.map((port) => isTaken(port)));
    return !taken.includes(true);
  });
}

const PRINT_METRICS =
  "fetch('http://localhost:9091/metrics').then(async (r) => process.stdout.write(await r.text()))";

/** The gateway with the most clients: all may have come to one before the other was known. The other has none then. */
async function busiestPod(topic: string): Promise<string> {
  let busiest = { name: '', streams: 0 };
  for (const name of await podNames()) {
    const metrics = await kubectl('exec', name, '--', 'node', '-e', PRINT_METRICS);
    const line = new RegExp(`^sse_kafka_connections\\{topic="${topic}"\\} (\\d+)$`, 'm');
    const streams = Number(line.exec(metrics)?.[1] ?? 0);
    if (streams > busiest.streams) busiest = { name, streams };
  }
  expect(busiest.streams).toBeGreaterThan(0);
  return busiest.name;
}

/** Changes values of the gateway's release and keeps the others. */
function upgrade(...set: readonly string[]): Promise<string> {
  const values = set.flatMap((value) => ['--set', value]);
  const release = ['sse-kafka-fanout', 'helm/gateway', '--namespace', NAMESPACE];
  return succeed(['helm', 'upgrade', ...release, '--reuse-values', '--wait', ...values]);
}

describe('the walk-through on Kubernetes', () => {
  const browser = shared(() => TestBrowser.launch());
  let certificate = '';
  afterAll(() => outcome(['./teardown.sh']));

  test('setup.sh installs Kafka, the topic and the gateway, and forwards their ports', async () => {
    const { stdout, stderr } = succeeded('setup.sh', await outcome(['./setup.sh']));
    for (const line of [...STEPS, ...FORWARDS]) expect(stderr).toContain(`+ ${line}`);
    const places = STEPS.map((line) => stderr.indexOf(`+ ${line}`));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(`${stdout}`.match(/^STATUS: deployed$/gm)).toHaveLength(2);
    expect(`${stdout}`).toContain('Created topic events.');
    certificate = await fingerprint();
  });

  test('sse-cat prints what kcat publishes', async () => {
    await using client = sseCat('http://localhost:8080/events');
    await succeed(['sh', '-c', PUBLISH]);
    await client.printed('Hello, world ');
    expect(`${client.stdout}`).toMatch(/^Hello, world .*\d+:\d+:\d+.*\n$/);
  });

  test('pods keep to the restricted standard from here on, by force', async () => {
    const standard = 'pod-security.kubernetes.io/enforce=restricted';
    const { stderr } = await outcome(['kubectl', 'label', 'namespace', NAMESPACE, standard]);
    // Pods that are there already and break it would be named.
    expect(stderr).toBe('');
  });

  test('scale to 0 and 1: all comes once, to the browser, over HTTP and over HTTPS', async () => {
    await using tab = await browser().open('https://localhost:9090/index.html');
    await tab.go();
    await eventually('the first message', async () => (await tab.messages()).length === 1);
    const [hello = ''] = await tab.messages();
    await using http = sseCat('http://localhost:8080/events');
    await using https = sseCat('https://localhost:9090/events');
    const printed = async (lines: readonly string[]): Promise<void> => {
      for (const client of [http, https]) {
        await client.printed(`${lines.at(-1)}\n`);
        expect(`${client.stdout}`.trimEnd().split('\n')).toEqual(lines);
      }
    };
    await printed([hello]);

    await kubectl('scale', '--replicas=0', GATEWAY);
    await tab.logs('error');
    await kubectl('wait', '--for=delete', 'pod', '-l', 'app.kubernetes.io/component=gateway');
    await produce('events', '2:meanwhile', '3:superseded', '3:meanwhile too');
    // The forwards end with the pod that they led to.
    await untilFree(8080, 9090);
    tab.console.length = 0;

    await kubectl('scale', '--replicas=1', GATEWAY);
    await kubectl('rollout', 'status', GATEWAY, '--timeout=120s');
    await using forward = start('kubectl', ...PORT_FORWARD, '8080', '9090');
    await tab.shows('meanwhile too', 'meanwhile', hello);
    await printed([hello, 'meanwhile', 'meanwhile too']);
    await tab.logs('open');
    await produce('events', '4:live');
    await tab.shows('live', 'meanwhile too', 'meanwhile', hello);
    await printed([hello, 'meanwhile', 'meanwhile too', 'live']);
    expect(await fingerprint()).toBe(certificate);
    expect(forward.hasEnded).toBe(false);
  });

  test('setup.sh may be run again: the pods stay, the ports are forwarded', async () => {
    await untilFree(8080, 9090);
    const before = await podNames();
    await succeed(['./setup.sh']);
    expect(await podNames()).toEqual(before);
    await using client = sseCat('http://localhost:8080/events');
    await client.printed('live\n');
  });

  test('helm test reads the head of a stream', async () => {
    const said = await succeed(['helm', 'test', 'sse-kafka-fanout', '--namespace', NAMESPACE]);
    expect(said).toMatch(/Phase: +Succeeded/);
  });

  test('two gateways, one deleted under load: no client loses or repeats a record', async () => {
    for (const topic of LOADED) await createTopic(topic, 3);
    await upgrade('replicas=2', `topics={events,${LOADED}}`, 'settings.DRAIN_SECONDS=3');
    await using load = await Load.start('deleted');
    expect(await podNames()).toHaveLength(2);
    await kubectl('delete', await busiestPod('deleted'));
    await kubectl('rollout', 'status', GATEWAY, '--timeout=120s');
    const { cuts, faults } = await load.end();
    expect(faults).toEqual([]);
    expect(cuts).toBeGreaterThan(0);
    process.stderr.write(`deleted: ${load.produced} records, ${cuts} cuts\n`);
  });

  test('a gateway killed under load: no client loses or repeats a record', async () => {
    await using load = await Load.start('killed');
    await kubectl('delete', await busiestPod('killed'), '--force', '--grace-period=0');
    await kubectl('rollout', 'status', GATEWAY, '--timeout=120s');
    const { cuts, faults } = await load.end();
    expect(faults).toEqual([]);
    expect(cuts).toBeGreaterThan(0);
    process.stderr.write(`killed: ${load.produced} records, ${cuts} cuts\n`);
  });

  test('helm upgrade under load: no client loses or repeats a record', async () => {
    await using load = await Load.start('upgraded');
    const before = await podNames();
    await upgrade('podAnnotations.upgraded=yes');
    // helm waits for the new ones; these drain now.
    for (const pod of before) await kubectl('wait', '--for=delete', pod, '--timeout=60s');
    const { cuts, faults } = await load.end();
    expect(faults).toEqual([]);
    expect(cuts).toBeGreaterThan(0);
    process.stderr.write(`upgraded: ${load.produced} records, ${cuts} cuts\n`);
  });

  test('upgrades and even a new installation keep the certificate', async () => {
    await succeed(['helm', 'uninstall', 'sse-kafka-fanout', '--namespace', NAMESPACE, '--wait']);
    await succeed(['./setup.sh']);
    expect(await fingerprint()).toBe(certificate);
  });

  test('teardown.sh leaves nothing, and ends no other kubectl', async () => {
    await using foreign = start('kubectl', 'proxy', '--port=0');
    await foreign.printed('Starting to serve');
    await succeed(['./teardown.sh']);
    await untilFree(...FORWARDED);
    const names = await succeed(['kubectl', 'get', 'namespaces,persistentvolumes', '-o', 'name']);
    expect(names).not.toContain('kafka');
    expect(existsSync(join(CLONE, '.data', 'port-forwards'))).toBe(false);
    expect(foreign.hasEnded).toBe(false);
    // A second time there is nothing to do.
    await succeed(['./teardown.sh']);
  });
});
