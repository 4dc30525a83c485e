import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { parse } from 'dotenv';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { curl } from '../support/curl.ts';
import { eventually } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { Gateway, newFolder } from '../support/gateway.ts';
import { COMPILE_MS } from '../support/go_program.ts';
import { kafka } from '../support/kafka.ts';
import { Program } from '../support/program.ts';
import { NODE } from '../support/runtimes.ts';
import { SseStream } from '../support/sse_stream.ts';
import { haveOauth2Proxy, Oauth2Proxy } from './oauth2_proxy.ts';
import { OidcProvider } from './oidc_provider.ts';

beforeAll(haveOauth2Proxy, 2 * COMPILE_MS);

test('examples/nginx_oauth2_proxy sends who is not signed in to sign in, and gives streams to who may read', async () => {
  const [folder, port, proxyPort, topic] = await Promise.all([
    newFolder(),
    freePort(),
    freePort(),
    kafka.createTopic(),
  ]);
  await using provider = await OidcProvider.start();
  /** A file of the example, with the places of the test. */
  const fileOf = async (name: string, gateway = ''): Promise<string> => {
    const text = await readFile(join(CLONE, 'examples', 'nginx_oauth2_proxy', name), 'utf8');
    return text
      .replaceAll(/\b8000\b/g, `${port}`)
      .replaceAll(/\b4180\b/g, `${proxyPort}`)
      .replaceAll('http://127.0.0.1:8080', gateway)
      .replaceAll('https://login.example/realms/shop', provider.url);
  };
  const config = join(folder, 'oauth2-proxy.cfg');
  await writeFile(config, await fileOf('oauth2-proxy.cfg'));
  await using proxy = await Oauth2Proxy.startWith(['--config', config], proxyPort);
  const env = parse(await fileOf('gateway.env'));
  await using gateway = await Gateway.startReady(NODE, { topics: [topic.name], env });
  const site = await fileOf('nginx.conf', gateway.http.replace('localhost', '127.0.0.1'));
  const nginxFile = join(folder, 'nginx.conf');
  const rest = 'pid nginx.pid; daemon off; master_process off; error_log stderr; events {}';
  await writeFile(nginxFile, `${rest} http { access_log off; ${site} }`);
  await using nginx = new Program([
    '/usr/sbin/nginx',
    '-p',
    folder,
    '-e',
    'stderr',
    '-c',
    nginxFile,
  ]);
  const origin = `http://localhost:${port}`;
  const head = (path: string, ...more: string[]) => curl('-I', ...more, `${origin}${path}`);
  await eventually(
    () => `nginx to answer; it said ${nginx.stderr}`,
    async () => (await head('/-/topics').catch(() => null)) !== null,
  );

  const page = await head('/index.html');
  expect([page.status, page.headers.get('location')]).toEqual([
    302,
    `${origin}/oauth2/start?rd=/index.html`,
  ]);
  const accept = 'text/event-stream';
  await using refused = await SseStream.open(`${origin}/${topic.name}`, { headers: { accept } });
  await refused.until('why it is refused', () =>
    refused.blocks.some(({ raw }) => raw.includes('event:unauthorized\ndata:{"reason":"missing"}')),
  );

  const user = { sub: 'id', email_verified: true, preferred_username: 'one' };
  provider.user = { ...user, email: 'alice@shop.example' };
  const cookie = await proxy.signIn(origin);
  expect((await head('/index.html', '-H', `Cookie: ${cookie}`)).status).toBe(200);
  await topic.produce({ value: 'a' });
  await using stream = await SseStream.open(`${origin}/${topic.name}`, { headers: { cookie } });
  expect((await stream.untilEvents(1)).map(({ data }) => data)).toEqual(['a']);

  provider.user = { ...user, email: 'bob@elsewhere.example' };
  const other = await proxy.signIn(origin);
  expect((await head(`/${topic.name}`, '-H', `Cookie: ${other}`)).status).toBe(403);
});
