import { beforeAll, expect, test } from '@jest/globals';
import { type Answer, curl } from '../support/curl.ts';
import { eventually } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { COMPILE_MS } from '../support/go_program.ts';
import { kafka } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { SseStream } from '../support/sse_stream.ts';
import { haveOauth2Proxy, Oauth2Proxy } from './oauth2_proxy.ts';
import { OidcProvider } from './oidc_provider.ts';

const ALICE = {
  sub: 'alice-id',
  email: 'alice@shop.example',
  email_verified: true,
  preferred_username: 'alice',
  groups: ['readers', 'staff'],
};
const BOB = { ...ALICE, sub: 'bob-id', email: 'bob@shop.example', groups: ['staff'] };
/** Of its headers, as docs/sign_in.md has it. */
const REQUIRE =
  'claims["x-auth-request-email"].endsWith("@shop.example") && ' +
  '("," + claims["x-auth-request-groups"] + ",").contains(",readers,")';

beforeAll(haveOauth2Proxy, 2 * COMPILE_MS);

onEachRuntime((runtime) => {
  test('SIGN_IN_URL lets in by the session of oauth2-proxy, from the sign-in to its end', async () => {
    await using provider = await OidcProvider.start();
    await using proxy = await Oauth2Proxy.start(provider, 3600);
    const topic = await kafka.createTopic();
    await topic.produce({ value: 'a' });
    const env = { SIGN_IN_URL: `${proxy.url}/oauth2/auth`, REQUIRE };
    await using gateway = await Gateway.startReady(runtime, { topics: [topic.name], env });
    const url = `${gateway.http}/${topic.name}`;
    const ask = (cookie: string): Promise<Answer> =>
      curl('-H', 'Accept: text/event-stream', '-H', `Cookie: ${cookie}`, url);
    const reason = async (cookie: string): Promise<string | undefined> =>
      /^data:\{"reason":"(\w+)"\}$/m.exec(`${(await ask(cookie)).body}`)?.[1];

    expect((await curl('-I', url)).status).toBe(401);
    expect(await reason('theme=dark')).toBe('invalid');
    provider.user = ALICE;
    const alice = await proxy.signIn();
    expect(alice).toMatch(/^_oauth2_proxy=/);
    {
      const headers = { cookie: `theme=dark; ${alice}` };
      await using stream = await SseStream.open(url, { headers });
      expect((await stream.untilEvents(1)).map(({ data }) => data)).toEqual(['a']);
    }
    const own = await curl('-H', `Cookie: ${alice}`, `${gateway.http}/-/topics`);
    expect(JSON.parse(`${own.body}`).topics).toHaveLength(1);
    expect(await reason(`${alice.slice(0, -4)}AAAA`)).toBe('invalid');
    provider.user = BOB;
    expect(await reason(await proxy.signIn())).toBe('forbidden');
    expect((await curl('-I', '-H', `Cookie: ${await proxy.signIn()}`, url)).status).toBe(403);
  });

  test('SIGN_IN_URL lets nobody in whose session of oauth2-proxy is over, or while it is away', async () => {
    await using provider = await OidcProvider.start();
    const topic = await kafka.createTopic();
    provider.user = ALICE;
    const proxy = await Oauth2Proxy.start(provider, 4);
    await using _proxy = proxy;
    const cookie = ['-I', '-H', `Cookie: ${await proxy.signIn()}`];
    const env = { SIGN_IN_URL: `${proxy.url}/oauth2/auth` };
    await using gateway = await Gateway.startReady(runtime, { topics: [topic.name], env });
    const url = `${gateway.http}/${topic.name}`;
    const fresh = ['-I', '-H', `Cookie: ${await proxy.signIn()}`];
    expect((await curl(...fresh, url)).status).toBe(200);
    await eventually('the end of the session', async () => {
      return (await curl(...cookie, url)).status === 401;
    });
    await proxy[Symbol.asyncDispose]();
    expect((await curl(...fresh, url)).status).toBe(503);
  });
});
