import { describe, expect, test } from '@jest/globals';
import { endedWith } from '../support/program.ts';
import { StubMachine } from './stub_machine.ts';

const CONTEXT = 'kubectl config current-context';
const CHECK = 'kubectl get --raw /version --request-timeout=10s';
const UNINSTALL =
  'helm uninstall sse-kafka-fanout sse-kafka-fanout-kafka --namespace sse-kafka-fanout --ignore-not-found';
const LOOK = 'kubectl get namespace sse-kafka-fanout --ignore-not-found --output name';
const DELETE = 'kubectl delete namespace sse-kafka-fanout --ignore-not-found --timeout=120s';

describe('teardown.sh', () => {
  test('takes away what setup.sh made, and ends no other kubectl', async () => {
    await using machine = await StubMachine.make();
    await machine.succeed('setup.sh');
    const before = (await machine.calls()).length;
    const args = ['port-forward', '--namespace', 'sse-kafka-fanout', 'service/other', '7070'];
    await using foreign = machine.start('kubectl', ...args);
    await machine.untilPorts('29092', '7070', '8080', '9090', '9092');

    const { stdout, stderr } = await machine.succeed('teardown.sh');
    expect(await machine.calls(before + 1)).toEqual([CONTEXT, CHECK, UNINSTALL, DELETE]);
    expect(stdout.toString()).toContain('Taking it away in the context docker-desktop\n');
    for (const line of [UNINSTALL, DELETE]) expect(stderr).toContain(`+ ${line}`);
    await machine.untilPorts('7070');
    expect(foreign.hasEnded).toBe(false);
    expect(await machine.pids()).toBeNull();
  });

  test('has nothing to do the second time', async () => {
    await using machine = await StubMachine.make();
    await machine.noteContext('docker-desktop');
    for (const _ of [1, 2]) await machine.succeed('teardown.sh');
    const first = [CONTEXT, CHECK, UNINSTALL, DELETE];
    expect(await machine.calls()).toEqual([...first, CONTEXT, CHECK, LOOK]);
  });

  test('deletes in the context of setup.sh, and in another only where that is named', async () => {
    await using machine = await StubMachine.make();
    await machine.noteContext('kind-dev');
    const refused = await machine.run('teardown.sh', { CONTEXT: 'production' });
    expect(refused.stderr).toMatch(/^teardown\.sh: .*production.*kind-dev.*--context production/);
    expect(refused.code).toBe(1);
    const other = await machine.run('teardown.sh', { CONTEXT: 'kind-dev' }, '--context', 'staging');
    endedWith(1, 'teardown.sh in another context', other);
    expect(await machine.calls()).toEqual([CONTEXT, CONTEXT]);

    const args = ['--context', 'staging'];
    await machine.succeed('teardown.sh', { CONTEXT: 'staging' }, ...args);
    await machine.succeed('teardown.sh', { CONTEXT: 'kind-dev' });
    const taken = [CONTEXT, CHECK, UNINSTALL, DELETE];
    expect(await machine.calls(2)).toEqual([...taken, ...taken]);
  });

  test('spares a namespace that setup.sh of this clone did not make, unless it is told', async () => {
    await using machine = await StubMachine.make();
    await machine.makeNamespace();
    const { code, stderr } = await machine.run('teardown.sh');
    expect(stderr).toMatch(
      /^teardown\.sh: the namespace sse-kafka-fanout .*--context docker-desktop/,
    );
    expect(code).toBe(1);
    expect(await machine.calls()).toEqual([CONTEXT, CHECK, LOOK]);
    await machine.succeed('teardown.sh', {}, '--context', 'docker-desktop');
  });

  test.each([['--help'], ['--context'], ['-x', 'y']])('takes no %s %s', async (...args) => {
    await using machine = await StubMachine.make();
    const { code, stderr } = await machine.run('teardown.sh', {}, ...args);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'teardown.sh: usage: ./teardown.sh [--context NAME]\n',
    });
  });

  test('spares a program that has got the pid of a port-forward that ended', async () => {
    await using machine = await StubMachine.make();
    await using foreign = machine.start('sleep', '60');
    await machine.writePids(foreign.pid, 2 ** 22 + 1);
    await machine.succeed('teardown.sh');
    expect(foreign.hasEnded).toBe(false);
    expect(await machine.pids()).toBeNull();
  });

  test.each(['kubectl', 'helm'])('without %s says so in one line', async (tool) => {
    await using machine = await StubMachine.make(tool);
    const { code, stderr } = await machine.run('teardown.sh');
    expect(stderr).toMatch(new RegExp(`^teardown\\.sh: ${tool} is missing: .+\n$`));
    expect(code).toBe(1);
  });

  test('without a cluster says so in one line, and ends the port-forwards all the same', async () => {
    await using machine = await StubMachine.make();
    await machine.succeed('setup.sh');
    const { code, stderr } = await machine.run('teardown.sh', { FAIL: CHECK });
    expect(stderr).toMatch(/^teardown\.sh: no cluster answers: .+\n$/);
    expect(code).toBe(1);
    await machine.untilPorts();
  });

  test.each([UNINSTALL, DELETE])('ends where this fails, and says so: %s', async (step) => {
    await using machine = await StubMachine.make();
    const args = ['--context', 'docker-desktop'];
    const { code, stderr } = await machine.run('teardown.sh', { FAIL: step }, ...args);
    const [command = ''] = /^\w+ \w+/.exec(step)!;
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(
      new RegExp(`^teardown\\.sh: this failed: ${command}.*\\. Run \\./teardown\\.sh again$`),
    );
    expect(code).toBe(1);
  });
});
