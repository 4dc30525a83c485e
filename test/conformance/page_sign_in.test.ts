import { createServer, type RequestListener } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { eventually } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { Issuer } from '../support/issuer.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { onAnyRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { type Tab, TestBrowser } from '../support/test_browser.ts';

async function serving(answer: RequestListener): Promise<AsyncDisposable & { url: string }> {
  const port = await freePort();
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${port}/session`,
    async [Symbol.asyncDispose]() {
      server.close().closeAllConnections();
    },
  };
}

onAnyRuntime((runtime) => {
  describe('the page, where not everybody may read', () => {
    const browser = shared(() => TestBrowser.launch());
    const issuer = shared(() => Issuer.start());
    let orders!: Topic;
    const gateway = shared(async () => {
      orders = await kafka.createTopic({ compacted: true });
      await orders.produce({ key: '1', value: 'one' });
      const env = { ...issuer().env, REQUIRE: '"read" in scopes' };
      return HostedGateway.startReady(runtime, { topics: [orders.name], env });
    });
    const token = (sub: string, scope: string, lasts = 600): Promise<string> =>
      issuer().token({ sub, scope }, { lasts });
    const signIn = async (tab: Tab, text: string): Promise<void> => {
      await tab.page.locator('#token').fill(text);
      await tab.page.getByRole('button', { name: 'Sign in' }).click();
    };
    const untilHidden = (tab: Tab, selector: string, isHidden: boolean): Promise<unknown> =>
      eventually(
        `${selector} ${isHidden ? 'hidden' : 'shown'}`,
        async () => (await tab.page.locator(selector).isHidden()) === isHidden,
      );

    test('asks for a token, reads with the cookie that it becomes, and forgets all at a sign-out', async () => {
      await using tab = await browser().open(gateway().https);
      await tab.says('#sign-in-words', 'Sign in first');
      expect(await tab.location()).toBe(`${gateway().https}/events`);
      await tab.page.locator('#token').focus();
      await tab.page.keyboard.insertText(await token('alice', 'read'));
      await tab.page.keyboard.press('Enter');
      await tab.says('#sign-in-words', 'Signed in');
      await eventually('the topic', async () => (await tab.location()).endsWith(orders.name));
      expect(await tab.page.locator('#token').inputValue()).toBe('');
      expect(await tab.page.evaluate(() => document.activeElement?.id)).toBe('sign-in-words');
      await tab.go();
      await tab.shows('one');
      // The cookie is all that stays.
      await tab.page.reload();
      await tab.says('#sign-in-words', 'Signed in');
      await tab.shows('one');
      await untilHidden(tab, '#sign-in-form', true);
      await tab.page.getByRole('button', { name: 'Sign out' }).press('Enter');
      await tab.says('#sign-in-words', 'Sign in first');
      await tab.says('#state', 'Ended');
      expect(await tab.messages()).toEqual([]);
      expect(await tab.page.context().cookies()).toEqual([]);
      expect(await tab.page.evaluate(() => document.activeElement?.id)).toBe('token');
    });

    test('says why a token does not count', async () => {
      await using tab = await browser().open(gateway().https);
      await tab.says('#sign-in-words', 'Sign in first');
      const large = await issuer().token({ more: 'x'.repeat(3500) });
      const refused: [string, string | RegExp][] = [
        ['two words', 'That is no token'],
        ['x', 'Your sign-in does not count here'],
        [await token('alice', 'read', -10), 'Your sign-in is over'],
        [large, /too long for a cookie/],
      ];
      for (const [text, words] of refused) {
        await signIn(tab, text);
        await tab.says('#sign-in-words', words);
      }
      expect(await tab.page.context().cookies()).toEqual([]);
      await tab.page.route('**/-/sign-in', (route) => route.abort());
      await signIn(tab, 'x');
      await tab.says('#sign-in-words', 'The gateway cannot be reached');
    });

    test('says why a stream is not given, and goes on where it was once it is', async () => {
      await using tab = await browser().open(gateway().https);
      await tab.page.locator('#location').fill(`${gateway().https}/${orders.name}`);
      await tab.go();
      await tab.says('#state', 'Not let in');
      await tab.says('#reason', 'you are not signed in');
      await signIn(tab, `Bearer ${await token('bob', 'other')}`);
      await tab.says('#reason', 'you have no right to this');
      // The list of topics is shorter; nothing is told of what is not in it.
      await tab.says('#topic', 'another location');
      await tab.page.getByRole('button', { name: 'Sign out' }).click();
      await tab.says('#sign-in-words', 'Sign in first');
      await tab.go();
      await signIn(tab, await token('alice', 'read', 3));
      await tab.shows('one');
      await tab.says('#state', 'Live');
      await orders.produce({ key: '2', value: 'two' });
      await tab.shows('two', 'one');
      await tab.says('#state', 'Not let in');
      await tab.says('#reason', 'your sign-in is over');
      await orders.produce({ key: '3', value: 'three' });
      // The field is back, also where nobody has asked for topics since.
      await untilHidden(tab, '#sign-in-form', false);
      await signIn(tab, await token('alice', 'read'));
      await tab.shows('three', 'two', 'one');
      await tab.says('#state', 'Live');
      // As somebody else there is nothing of hers.
      await tab.page.getByRole('button', { name: 'Sign out' }).click();
      await tab.says('#sign-in-words', 'Sign in first');
      await tab.go();
      await tab.says('#reason', 'you are not signed in');
      expect(await tab.messages()).toEqual([]);
    });

    test('says so where the browser keeps no cookie', async () => {
      await using tab = await browser().open(gateway().http.replace('localhost', '127.0.0.1'));
      await tab.says('#sign-in-words', 'Sign in first');
      await tab.page.route('**/-/sign-in', (route) => route.fulfill({ status: 204 }));
      await signIn(tab, await token('alice', 'read'));
      await tab.says('#sign-in-words', /^The browser has kept no cookie/);
    });

    test('has no field where the application signs in', async () => {
      await using application = await serving(({ headers }, response) => {
        response.writeHead(headers.cookie?.includes('session=') ? 200 : 401);
        response.end(headers.cookie?.includes('session=') ? '' : 'no');
      });
      const env = { SIGN_IN_URL: application.url };
      await using own = await HostedGateway.startReady(runtime, { topics: [orders.name], env });
      await using tab = await browser().open(own.https);
      await tab.says('#sign-in-words', 'Sign in first: sign in at your application, then Go');
      await untilHidden(tab, '#sign-in-form', true);
      await untilHidden(tab, '#sign-out', true);
      await tab.page.context().addCookies([{ name: 'session', value: 'a', url: own.https }]);
      await tab.page.reload();
      await tab.says('#sign-in-words', 'Signed in');
      await untilHidden(tab, '#sign-out', true);
    });

    test('shows nothing of it where everybody may read', async () => {
      await using open = await HostedGateway.startReady(runtime, { topics: [orders.name] });
      await using tab = await browser().open(open.https);
      await tab.says('#topic', /·/);
      expect(await tab.page.locator('#sign-in').isHidden()).toBe(true);
      expect(tab.console.join()).not.toMatch(/sign-in/);
    });
  });
});
