import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { StubMachine } from './stub_machine.ts';

const { version } = JSON.parse(readFileSync(join(CLONE, 'package.json'), 'utf8'));
const IMAGE = `sse-kafka-fanout:${version}`;
const NAMESPACE = '--namespace sse-kafka-fanout';

const CHECKS = [
  'kubectl get --raw /version --request-timeout=10s',
  'kubectl config current-context',
];
const BUILD = [
  `docker build --target node --tag ${IMAGE} .`,
  `docker image inspect --format {{.Id}} ${IMAGE}`,
];
const KAFKA = [
  `helm upgrade --install sse-kafka-fanout-kafka helm/kafka ${NAMESPACE} --create-namespace --wait --timeout 10m`,
  `kubectl get pods ${NAMESPACE} --selector app.kubernetes.io/instance=sse-kafka-fanout-kafka -o name`,
  `kubectl exec ${NAMESPACE} pod/kafka-0 -- /opt/kafka/bin/kafka-topics.sh --bootstrap-server localhost:9092` +
    ' --create --topic events --config cleanup.policy=compact --if-not-exists',
];
const GATEWAY =
  `helm upgrade --install sse-kafka-fanout helm/gateway ${NAMESPACE} --create-namespace --wait --timeout 5m` +
  ' --set kafka.brokers={kafka:29092}';
const FORWARDS = [
  `kubectl port-forward ${NAMESPACE} service/kafka 9092 29092`,
  `kubectl port-forward ${NAMESPACE} service/sse-kafka-fanout 8080 9090`,
];
const PORTS = ['29092', '8080', '9090', '9092'];

function gateway(repository: string, tag: string, id: string): string {
  return (
    `${GATEWAY} --set image.repository=${repository} --set-string image.tag=${tag}` +
    ` --set-string podAnnotations.image-id=${id}`
  );
}

const LOCAL = gateway('sse-kafka-fanout', version, 'sha256:1234');

describe('setup.sh', () => {
  test('does its steps in order, shows them, and forwards the ports', async () => {
    await using machine = await StubMachine.make();
    const { stdout, stderr } = await machine.succeed('setup.sh');
    await machine.untilPorts(...PORTS);
    const calls = await machine.calls();
    expect(calls.slice(0, -2)).toEqual([...CHECKS, ...BUILD, ...KAFKA, LOCAL]);
    expect(calls.slice(-2).sort()).toEqual(FORWARDS);
    expect(stdout.toString()).toMatch(/^Installing in the context docker-desktop\n/);
    expect(stdout.toString()).toContain('Created topic events.');
    for (const line of [KAFKA[0]!, ...FORWARDS, 'nc -z localhost 8080']) {
      expect(stderr).toContain(`+ ${line}`);
    }
    expect(await machine.pids()).toHaveLength(2);
  });

  test.each([
    ['kind-dev', [`kind load docker-image ${IMAGE} --name dev`]],
    ['minikube', [`minikube image load ${IMAGE}`]],
    ['docker-desktop', []],
  ])('brings the image it built to the cluster %s', async (context, loads) => {
    await using machine = await StubMachine.make();
    await machine.succeed('setup.sh', { CONTEXT: context });
    expect((await machine.calls()).slice(2, -2)).toEqual([...BUILD, ...loads, ...KAFKA, LOCAL]);
  });

  test('has the image loaded by the command of LOAD_IMAGE', async () => {
    await using machine = await StubMachine.make();
    await machine.succeed('setup.sh', { LOAD_IMAGE: 'load-image to' });
    expect(await machine.calls()).toContain(`load-image to ${IMAGE}`);
  });

  test.each([
    ['ghcr.io/me/gateway:1.2', 'ghcr.io/me/gateway', '1.2'],
    ['localhost:5000/gateway', 'localhost:5000/gateway', 'latest'],
    ['gateway@sha256:1234', 'gateway@sha256', '1234'],
  ])('takes a published image %s and needs no docker', async (image, repository, tag) => {
    await using machine = await StubMachine.make('docker', 'kind');
    await machine.succeed('setup.sh', { IMAGE: image, CONTEXT: 'kind-dev' });
    const calls = await machine.calls();
    const id = repository === 'localhost:5000/gateway' ? `${image}:latest` : image;
    expect(calls.slice(2, -2)).toEqual([...KAFKA, gateway(repository, tag, id)]);
  });

  test('may be run twice: the second run starts the port-forwards anew', async () => {
    await using machine = await StubMachine.make();
    await machine.succeed('setup.sh');
    const first = (await machine.pids())!;
    await machine.succeed('setup.sh');
    await machine.untilPorts(...PORTS);
    const second = (await machine.pids())!;
    expect(second).toHaveLength(2);
    expect(second.filter((pid) => first.includes(pid))).toEqual([]);
  });

  test.each(['kubectl', 'helm', 'jq', 'nc', 'ps', 'docker'])(
    'without %s says so in one line, and does nothing',
    async (tool) => {
      await using machine = await StubMachine.make(tool);
      const { code, stdout, stderr } = await machine.run('setup.sh');
      expect(stderr).toMatch(new RegExp(`^setup\\.sh: ${tool} is missing: .+\n$`));
      expect(code).toBe(1);
      expect(stdout.toString()).toBe('');
      expect((await machine.calls()).filter((call) => !CHECKS.includes(call))).toEqual([]);
    },
  );

  test.each([
    ['kind', 'kind-dev'],
    ['minikube', 'minikube'],
  ])('without %s, which loads the image there, says so', async (tool, context) => {
    await using machine = await StubMachine.make(tool);
    const { code, stderr } = await machine.run('setup.sh', { CONTEXT: context });
    expect(stderr).toMatch(new RegExp(`^setup\\.sh: ${tool} is missing: .+\n$`));
    expect(code).toBe(1);
    expect(await machine.calls()).toEqual(CHECKS);
  });

  test('without a cluster says so in one line, and does nothing', async () => {
    await using machine = await StubMachine.make();
    const { code, stderr } = await machine.run('setup.sh', { FAIL: CHECKS[0]! });
    expect(stderr).toMatch(/^setup\.sh: no cluster answers: .+\n$/);
    expect(code).toBe(1);
    expect(await machine.calls()).toEqual(CHECKS.slice(0, 1));
  });

  test.each(PORTS)('says that port %s is in use, and does nothing', async (port) => {
    await using machine = await StubMachine.make();
    await machine.listen(port);
    const { code, stderr } = await machine.run('setup.sh');
    expect(stderr).toMatch(
      new RegExp(`^setup\\.sh: port ${port} of this machine is in use: .+\n$`),
    );
    expect(code).toBe(1);
    expect(await machine.calls()).toEqual(CHECKS);
  });

  test.each([BUILD[0]!, `kind load docker-image ${IMAGE}`, ...KAFKA, GATEWAY])(
    'ends where this fails, and says so in its last line: %s',
    async (step) => {
      await using machine = await StubMachine.make();
      const { code, stderr } = await machine.run('setup.sh', { FAIL: step, CONTEXT: 'kind-dev' });
      const [command = ''] = /^\w+ \w+/.exec(step)!;
      expect(stderr.trimEnd().split('\n').at(-1)).toMatch(
        new RegExp(`^setup\\.sh: this failed: (KAFKA_POD=\\$\\()?${command}.*teardown\\.sh$`),
      );
      expect(code).toBe(1);
      expect(stderr).toContain('pod-1: ErrImagePull');
      expect((await machine.calls()).filter((call) => call.includes('port-forward'))).toEqual([]);
      expect(await machine.pids()).toBeNull();
    },
  );

  test.each(FORWARDS)(
    'leaves no other port-forward behind where this one ends: %s',
    async (step) => {
      await using machine = await StubMachine.make();
      const { code, stderr } = await machine.run('setup.sh', { FAIL: step });
      expect(stderr).toMatch(/setup\.sh: the port-forward to \d+ ended: stub: refused\n$/);
      expect(code).toBe(1);
      await machine.untilPorts();
      expect(await machine.pids()).toBeNull();
    },
  );
});
