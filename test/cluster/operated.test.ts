import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Page } from '../docs/pages.ts';
import { draw, hasData, QUERIES } from '../monitoring/panels.ts';
import { Prometheus } from '../monitoring/prometheus.ts';
import { eventually } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import type { Program } from '../support/program.ts';
import { SseStream } from '../support/sse_stream.ts';
import { kubectl, NAMESPACE, outcome, produce, start, succeed } from './cluster.ts';

/** The kubelet brings a ConfigMap that has changed to its pods within a minute or so. */
const BROUGHT_MS = 180_000;
/** Panels about what this gateway does not have, or what has not come to pass. */
const EMPTY = /registry|Values read|Gaps|not let in|several topics|filters looked|Streams ended/;

const PAGE = new Page('docs/on_kubernetes.md');

/** A file that the page shows, by its first line. */
function shown(file: string): string {
  return PAGE.blocks.find(({ text }) => text.startsWith(`# ${file}\n`))!.text;
}

/** Forwards a port of this machine until disposed. */
async function forwarded(service: string, port: number): Promise<Program & { url: string }> {
  const own = await freePort();
  const args = ['--namespace', NAMESPACE, `service/${service}`, `${own}:${port}`];
  const program = start('kubectl', 'port-forward', ...args);
  await program.printed('Forwarding from');
  return Object.assign(program, { url: `http://127.0.0.1:${own}` });
}

describe('a gateway with a sign-in and a streams file, by docs/on_kubernetes.md', () => {
  const commands = PAGE.blocks
    .find(({ text }) => text.includes('helm install gateway '))!
    .text.split('\n');
  let folder!: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'operated-'));
    await succeed(['./setup.sh']);
    for (const file of ['streams.yaml', 'values.yaml'])
      await writeFile(join(folder, file), shown(file));
  });
  afterAll(async () => {
    await outcome(['./teardown.sh']);
    await rm(folder, { recursive: true });
  });

  /** Runs a line of the page, with the files that it names in a folder of their own. */
  async function does(line: string): Promise<string> {
    const own = line.replaceAll(
      /(?<=[ =])(streams\.yaml|values\.yaml|token)(?=$| )/g,
      (file, _, at) => (line.slice(0, at).endsWith('--silent ') ? file : join(folder, file)),
    );
    const inNamespace = own.replace(/^(helm \w+|kubectl)/, `$1 --namespace ${NAMESPACE}`);
    return succeed(['bash', '-euc', inNamespace]);
  }

  /** Which pods there are, and how often each was restarted. */
  const statesOf = () =>
    kubectl(
      ...['get', 'pods', '-l', 'app.kubernetes.io/instance=gateway', '-o'],
      'jsonpath={range .items[*]}{.metadata.uid} {.status.containerStatuses[0].restartCount}{"\\n"}{end}',
    );

  test('is installed, and helm test signs in', async () => {
    const before = commands.filter((line) => /^(npm|kubectl create|helm install) /.test(line));
    expect(before).toHaveLength(4);
    for (const line of before) await does(line);
    const said = await does(commands.find((line) => line.startsWith('helm test'))!);
    expect(said).toContain('HTTP/1.1 401 ');
    expect(said).toContain('HTTP/1.1 200 ');
  });

  test('has its streams file changed without a restart: streams go on', async () => {
    await using gateway = await forwarded('gateway', 8080);
    const token = (await succeed(['cat', join(folder, 'token')])).trim();
    const headers = { authorization: `Bearer ${token}` };
    const statusOf = async (path: string) => {
      await using stream = await SseStream.open(`${gateway.url}${path}`, { headers });
      return stream.status;
    };
    await using stream = await SseStream.open(`${gateway.url}/all`, { headers });
    await produce('events', '1:one');
    await stream.untilEvents(1);
    expect(await statusOf('/more')).toBe(404);
    const before = await statesOf();

    const more = `  /more: { topic: events, require: '"events:read" in scopes' }\n`;
    await writeFile(join(folder, 'streams.yaml'), `${shown('streams.yaml')}${more}`);
    await does(commands.find((line) => line.startsWith('helm upgrade'))!.replace(/ +#.*/, ''));
    await eventually('/more', async () => (await statusOf('/more')) === 200, BROUGHT_MS);
    expect(await statesOf()).toBe(before);
    await produce('events', '1:two');
    await stream.untilEvents(2);
    expect(stream.isOver).toBe(false);
  });

  test('fills the dashboard, and an alert fires while the brokers are away', async () => {
    await using gateway = await forwarded('gateway', 8080);
    await using admin = await forwarded('gateway-admin', 9091);
    await using prometheus = await Prometheus.start([new URL(admin.url).host], folder);
    const begin = Date.now() / 1000;
    const token = (await succeed(['cat', join(folder, 'token')])).trim();
    const headers = { authorization: `Bearer ${token}` };
    await using stream = await SseStream.open(`${gateway.url}/all`, { headers });
    for (const { title, expr } of QUERIES.filter(({ title }) => !EMPTY.test(title))) {
      await eventually(`${title} to have data`, async () => {
        await produce('events', '1:again');
        return hasData(prometheus, expr);
      });
    }
    expect(await prometheus.firing('SseKafkaBrokersDown')).toEqual([]);

    await kubectl('scale', '--replicas=0', 'statefulset/kafka');
    await prometheus.until('SseKafkaBrokersDown', true);
    expect(stream.isOver).toBe(false);
    await kubectl('scale', '--replicas=1', 'statefulset/kafka');
    await prometheus.until('SseKafkaBrokersDown', false);
    expect(stream.isOver).toBe(false);
    await draw(prometheus, begin, 'dashboard_cluster.svg');
  });
});
