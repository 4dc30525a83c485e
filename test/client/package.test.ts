import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { readStaticFiles } from '../../runtime/server/files.ts';
import { Program, run } from '../support/program.ts';

const FOLDER = join(CLONE, 'public', 'client');
const [DENO, TSC] = ['deno', 'tsc'].map((name) => join(CLONE, 'node_modules', '.bin', name));
const EVENT = { partition: 0, offset: 0, timestamp: 0, key: '1', value: 'Hello, world' };
const PRINTED = '1: Hello, world\n';

/** A machine that has nothing of ours, with the files that the README prints. */
let home: string;
let origin: string;
const server = createServer((request, response) => {
  const file = files.get(request.url!);
  if (file !== undefined) {
    response.writeHead(200, { 'content-type': file.type }).end(file.bytes);
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(`data:${JSON.stringify(EVENT)}\nid:1\n\nevent:live\ndata:{}\nid:1\n\n`);
});
const files = await readStaticFiles(join(CLONE, 'public'));
const readme = await readFile(join(FOLDER, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/^```\w+\n(.+?)^```$/gms)].map(([, text]) => text!);

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'client-home-'));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const text of blocks) {
    const [, name] = /^\/\/ (\S+)\n/.exec(text) ?? [];
    if (name !== undefined) await writeFile(join(home, name), here(text));
  }
  await writeFile(join(home, 'package.json'), '{}');
  await succeed(['bash', '--norc', '-c', here(blocks[0]!)]);
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await rm(home, { recursive: true });
});

/** As a user does, who puts the address of his gateway in. */
function here(text: string): string {
  return text.replaceAll('https://gateway.example', origin);
}

async function succeed(command: readonly [string, ...string[]]): Promise<void> {
  const env = { HOME: home, npm_config_audit: 'false', npm_config_update_notifier: 'false' };
  const options = { cwd: home, env };
  const { code, stdout, stderr } = await run(command, options, 120_000);
  expect({ command, code, said: `${stdout}${stderr}` }).toMatchObject({ code: 0 });
}

describe('the package of the client', () => {
  test('has nothing that publint would mend', async () => {
    const { messages, pkg } = await publint({ pkgDir: FOLDER, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  test('has the licence of the gateway', async () => {
    const [own, ofGateway] = await Promise.all(
      [FOLDER, CLONE].map((folder) => readFile(join(folder, 'LICENSE'), 'utf8')),
    );
    expect(own).toBe(ofGateway);
  });

  test.each([
    ['imported on Node', 'follow.mjs', [process.execPath]],
    ['required by CommonJS', 'follow.cjs', [process.execPath]],
    ['imported by its address on Deno', 'follow_by_address.mjs', [DENO!, 'run', '--allow-all']],
  ] as const)('is %s as the README prints it', async (_, name, [command, ...args]) => {
    const options = { cwd: home, env: { NODE_NO_WARNINGS: '1' } };
    await using program = new Program([command, ...args, name], options);
    await program.printed(PRINTED);
    expect(program.stdout.toString()).toBe(PRINTED);
  });

  test.each(['NodeNext', 'Bundler'])(
    'gives TypeScript its types, by name and by address, with %s',
    async (resolution) => {
      const module = resolution === 'Bundler' ? 'ESNext' : resolution;
      const program = here(`
        import { connect, type Table } from 'sse-kafka-fanout-client';
        import { table } from 'https://gateway.example/client.js';
        import { shared } from 'sse-kafka-fanout-client/shared';
        const rows: Table = await table('/prices', { connect: shared }).whole;
        connect('/events').onmessage = ({ data }) => data.length + rows.size;
        // @ts-expect-error it is no option
        connect('/events', { nonsense: true });
      `);
      await writeFile(join(home, 'page.mts'), program);
      const options = ['--strict', '--noEmit', '--target', 'ES2023', '--lib', 'ES2023,DOM'];
      const by = ['--module', module, '--moduleResolution', resolution, '--types', ''];
      await succeed([TSC!, ...options, ...by, 'gateway.d.ts', 'page.mts']);
    },
  );
});
