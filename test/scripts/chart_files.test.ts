import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { SETTINGS } from '../../app/config/config.ts';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { run } from '../support/program.ts';

function read(file: string): string {
  return readFileSync(join(CLONE, file), 'utf8');
}

/** Settings that the chart makes from values of its own, or that have no place in a pod. */
const NOT_IN_SETTINGS =
  /^(KAFKA_|AWS_|EMBEDDED_|TLS_|TOPICS$|STREAMS_FILE$|ADMIN_TOKEN_FILE$|REGISTRY_(USERNAME|PASSWORD)$|ADMIN_HOST$|(HTTP|HTTPS|ADMIN)_PORT$)/;

describe('helm/gateway', () => {
  const schema = JSON.parse(read('helm/gateway/values.schema.json'));

  test('takes every setting of the gateway', () => {
    const names = Object.values(SETTINGS).map(({ name }) => name);
    expect(Object.keys(schema.properties.settings.properties).sort()).toEqual(
      names.filter((name) => !NOT_IN_SETTINGS.test(name)).sort(),
    );
    const env = read('helm/gateway/templates/_env.tpl');
    const made = names.filter((name) =>
      /^(KAFKA_|AWS_|TLS_|TOPICS$|STREAMS_FILE$|ADMIN_TOKEN_FILE$|REGISTRY_(USERNAME|PASSWORD)$)/.test(
        name,
      ),
    );
    for (const name of made) expect(env).toContain(`name: ${name},`);
  });

  test('has every value explained, and known to its schema', () => {
    const lines = read('helm/gateway/values.yaml').split('\n');
    const values = lines.flatMap((line) => /^(\w+):/.exec(line)?.[1] ?? []);
    expect([...values, 'global'].sort()).toEqual(Object.keys(schema.properties).sort());
  });
});

describe('helm test', () => {
  const [, indented = ''] =
    /- \|\n(.+)$/s.exec(read('helm/gateway/templates/tests/stream.yaml')) ?? [];
  const script = indented.replaceAll(/^ {10}/gm, '');

  /** @param token of who may read; `null`: all may */
  async function outcomeAt(token: string | null, env: Record<string, string>) {
    const server = createServer(({ headers: { authorization } }, response) => {
      const isLetIn = token === null || authorization === `Bearer ${token}`;
      if (isLetIn) response.setHeader('content-type', 'text/event-stream').write('retry:1000\n\n');
      else response.writeHead(401).end();
    }).listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const here = script.replaceAll('/8080', `/${port}`);
      const all = { GATEWAY: '127.0.0.1', STREAM: '/events', ...env };
      return await run(['bash', '-euc', here], { env: all });
    } finally {
      server.close().closeAllConnections();
    }
  }

  test.each([
    ['reads a stream that is open to all', null, { SIGNS_IN: '' }, 0, 'retry:1000'],
    ['reads one with its token', 'right', { SIGNS_IN: 'true', TOKEN: 'right\n' }, 0, 'retry:1000'],
    ['asks for a path where none is known', null, { STREAM: '' }, 1, 'helmTest.path is empty'],
    [
      'fails where its token is refused',
      'right',
      { SIGNS_IN: 'true', TOKEN: 'no' },
      1,
      'status 200',
    ],
    [
      'fails where all are let in',
      null,
      { SIGNS_IN: 'true', TOKEN: 'right' },
      1,
      'without a token',
    ],
    [
      'says that it read nothing',
      'right',
      { SIGNS_IN: 'true' },
      0,
      'helmTest.tokenSecret is empty',
    ],
  ])('%s', async (_, token, env, code, said) => {
    const ended = await outcomeAt(token, env);
    expect(`${ended.stdout}${ended.stderr}`).toContain(said);
    expect(ended.code).toBe(code);
  });
});
