import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { beforeAll, expect, test } from '@jest/globals';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { curl } from '../support/curl.ts';
import { within } from '../support/deadline.ts';
import { H2Session } from '../support/h2_session.ts';
import type { Topic } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { SseStream } from '../support/sse_stream.ts';
import { Gateway, kafka } from './face.ts';

/** As `sse.kafka.fanout.jwt` of Zilla's examples has them. */
const ISSUER = 'https://auth.example.com';
const AUDIENCE = 'https://api.example.com';
const SCOPE = 'proxy:stream';
const EVENTS = ['-H', 'Accept: text/event-stream'];

/** The keys of its guard: one for tokens of the command line, one for those of its page. */
const signers = new Map<string, { privateKey: CryptoKey; jwk: JWK; alg: string }>();
let keysFile: string;

beforeAll(async () => {
  for (const [kid, alg] of [
    ['example', 'RS256'],
    ['example_ec', 'ES256'],
  ] as const) {
    const { privateKey, publicKey } = await generateKeyPair(alg);
    signers.set(kid, { privateKey, alg, jwk: { ...(await exportJWK(publicKey)), alg, kid } });
  }
  const folder = mkdtempSync(join(process.env['TEST_FOLDER'] ?? tmpdir(), 'zilla-'));
  keysFile = join(folder, 'keys.json');
  // Its RSA key has the other alphabet of base64, and padding.
  const keys = [...signers.values()].map(({ jwk }) => (jwk.n ? { ...jwk, n: padded(jwk.n) } : jwk));
  writeFileSync(keysFile, JSON.stringify({ keys }));
});

function padded(base64url: string): string {
  return Buffer.from(base64url, 'base64url').toString('base64');
}

/** Without `iat`, as its README makes one. */
function token(kid: string, claims: object = {}, lasts = 30): Promise<string> {
  const { privateKey, alg } = signers.get(kid)!;
  const exp = Date.now() / 1000 + lasts;
  const payload = { iss: ISSUER, aud: AUDIENCE, sub: 'example', scope: SCOPE, exp, ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg, kid, typ: 'JWT' }).sign(privateKey);
}

onEachRuntime((runtime) => {
  const moved = async (): Promise<{ gateway: Gateway; topic: Topic }> => {
    const topic = await kafka.createTopic({ configs: { 'cleanup.policy': 'compact' } });
    await topic.produce({ key: '1', value: '{"id":1,"name":"Hello World!"}' });
    const env = {
      JWT_ISSUER: ISSUER,
      JWT_AUDIENCE: AUDIENCE,
      JWT_KEYS_FILE: keysFile,
      JWT_QUERY: 'true',
      REQUIRE: '"proxy:stream" in scopes',
    };
    const gateway = await Gateway.startReady(runtime, { topics: [topic.name], env });
    return { gateway, topic };
  };

  test('the JWT example of Zilla, moved over, lets in whom its guard lets in', async () => {
    const { gateway, topic } = await moved();
    await using _gateway = gateway;
    const url = `${gateway.https}/${topic.name}`;
    await using h2 = new H2Session(gateway.https);
    const path = `/${topic.name}`;
    for (const kid of signers.keys()) {
      const own = await token(kid);
      const byQuery = `${gateway.https}${path}?access_token=${own}`;
      await using stream = await SseStream.open(byQuery, { h2: h2.session });
      const [first] = await stream.untilEvents(1);
      expect(first!.raw).toMatch(/^data:\{"id":1,"name":"Hello World!"\}\nid:.+\n\n$/);
      const bearer = ['-H', `Authorization: Bearer ${own}`];
      expect((await curl('-I', '--http2', ...bearer, url)).status).toBe(200);
    }
    const refused: [string, number][] = [
      [await token('example', { scope: 'other' }), 403],
      [await token('example', { scope: undefined }), 403],
      [await token('example', { aud: 'https://other.example.com' }), 401],
      [await token('example', { iss: 'https://other.example.com' }), 401],
      [await token('example', {}, -1), 401],
    ];
    for (const [wrong, status] of refused) {
      expect((await curl('-I', `${url}?access_token=${wrong}`)).status).toBe(status);
    }
    expect((await curl('-I', url)).status).toBe(401);
  });

  test('the page of that example goes on with its next token, by event expired', async () => {
    const { gateway, topic } = await moved();
    await using _gateway = gateway;
    const open = async (id: string): Promise<SseStream> => {
      const query = new URLSearchParams({ access_token: await token('example_ec', {}, 2) });
      if (id !== '') query.set('lastEventId', id);
      return SseStream.open(`${gateway.http}/${topic.name}?${query}`);
    };
    const got: string[] = [];
    let id = '';
    for (const name of ['2', '3']) {
      await using stream = await open(id);
      await topic.produce({ key: name, value: name });
      await within('the end of its token', stream.over);
      const last = stream.events.at(-1)!;
      expect([last.event, last.data]).toEqual(['expired', '{}']);
      got.push(...stream.events.slice(0, -1).map(({ data }) => data));
      id = last.id;
    }
    expect(got).toEqual(['{"id":1,"name":"Hello World!"}', '2', '3']);
    // An EventSource that is left alone asks with the token of its address again.
    const over = await token('example_ec', {}, -1);
    const answer = await curl(...EVENTS, `${gateway.http}/${topic.name}?access_token=${over}`);
    expect(`${answer.body}`).toContain('event:unauthorized\ndata:{"reason":"expired"}\n\n');
    // Nor is there anything to answer a challenge at.
    expect((await curl('-X', 'POST', `${gateway.http}/${topic.name}`)).status).toBe(405);
  });

  test('routes with parameters and filters give the same, as the page tells to write them', async () => {
    const page = readFileSync(new URL('../../docs/from_zilla.md', import.meta.url), 'utf8');
    const told = /```yaml\n(streams:\n[\s\S]*?)```/.exec(page)![1]!;
    const topic = await kafka.createTopic();
    const about = (region: string, kind: string): [string, string][] => [
      ['region', region],
      ['kind', kind],
    ];
    await topic.produce(
      { key: '7', value: '0', headers: about('eu', 'new') },
      { key: 'eu', value: '1', headers: [['kind', 'new']] },
      { key: 'eu', value: '2', headers: about('us', 'old') },
      { key: '8', value: '3', headers: about('eu', 'old') },
      { key: '7', value: '4' },
    );
    const folder = mkdtempSync(join(process.env['TEST_FOLDER'] ?? tmpdir(), 'zilla-'));
    const STREAMS_FILE = join(folder, 'streams.yaml');
    writeFileSync(STREAMS_FILE, told.replaceAll('topic: orders', `topic: ${topic.name}`));
    await using gateway = await Gateway.startReady(runtime, { env: { STREAMS_FILE } });
    const valuesOf = async (path: string): Promise<string> => {
      const url = `${gateway.http}${path}?until=live`;
      const { body } = await curl('-H', 'Accept: application/json', url);
      const { records } = JSON.parse(`${body}`) as { records: { value: string }[] };
      return records.map(({ value }) => value).join('');
    };
    expect(await valuesOf('/orders/7')).toBe('04');
    expect(await valuesOf('/orders/none')).toBe('');
    expect(await valuesOf('/regions/eu/new')).toBe('01');
    expect(await valuesOf('/regions/eu/old')).toBe('23');
    expect(await valuesOf('/regions/us/new')).toBe('');
  });
});
