import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { freePort } from '../support/free_port.ts';
import { Gateway } from '../support/gateway.ts';
import { COMPILE_MS, goProgram } from '../support/go_program.ts';
import { kafka } from '../support/kafka.ts';
import { run, succeeded } from '../support/program.ts';
import { NODE } from '../support/runtimes.ts';
import { TestBrowser } from '../support/test_browser.ts';
import { Example } from './example.ts';

test('examples/react_table is built, and shows a topic that goes on', async () => {
  const topic = await kafka.createTopic({ compacted: true });
  await topic.produce({ key: 'a', value: '1' }, { key: 'b', value: '2' });
  await using gateway = await Gateway.startReady(NODE, { topics: [topic.name] });
  const example = await Example.copy('react_table', gateway.http);
  await example.install();
  const env = { VITE_STREAM: `${gateway.http}/${topic.name}` };
  await example.run('npm run build', env);

  expect(example.command).toBe('npm run dev');
  const port = await freePort();
  // What that runs: npm would leave it behind.
  await using vite = example.start(`node_modules/.bin/vite --port ${port} --strictPort`, env);
  await vite.printed('localhost');
  await using browser = await TestBrowser.launch();
  await using tab = await browser.open(`http://localhost:${port}`);
  await tab.says('caption', '2 keys, live');
  await topic.produce({ key: 'a', value: '3' });
  await tab.says('tr:first-child td', '3');
}, 600_000);

/** What Compose makes of a service, as far as it is looked at. */
interface Service {
  readonly image: string;
  readonly command?: string | readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: readonly string[];
  readonly volumes?: readonly { readonly source: string; readonly target: string }[];
}

const FILES = readdirSync(join(CLONE, 'examples', 'other_kafka')).filter((name) =>
  name.endsWith('.yaml'),
);

test.each(FILES)(
  'examples/other_kafka/%s is a Kafka for both listeners, in the place of that of compose.yaml',
  async (file) => {
    const program = await goProgram(
      'compose-go',
      'github.com/compose-spec/compose-go/v2/cmd',
      'v2.9.0',
    );
    const servicesOf = async (...files: readonly string[]): Promise<Record<string, Service>> => {
      const command = [program, ...files] as const;
      const { stdout } = succeeded(command.join(' '), await run(command, { cwd: CLONE }));
      return parse(`${stdout}`).services;
    };
    const before = await servicesOf('compose.yaml');
    const {
      kafka: broker,
      topic,
      gateway,
    } = await servicesOf('compose.yaml', `examples/other_kafka/${file}`);
    expect(gateway).toEqual(before['gateway']);
    expect(broker!.image).not.toBe(before['kafka']!.image);
    expect(topic!.image).toBe(broker!.image);
    const settings = [broker!.command ?? [], broker!.environment ?? []].flat().join('\n');
    expect(settings).toMatch(/inside:\/\/kafka:29092,outside:\/\/localhost:9092/i);
    expect(settings.includes('KAFKA_NODE_ID')).toBe(file.includes('confluent'));
    const making = [topic!.entrypoint ?? [], topic!.command ?? []].flat().join(' ');
    expect(making).toMatch(/create.* events .*cleanup\.policy=compact/);
    expect(making).not.toContain('/opt/kafka');
    expect(broker!.volumes).toEqual([expect.objectContaining({ source: 'kafka' })]);
  },
  2 * COMPILE_MS,
);
