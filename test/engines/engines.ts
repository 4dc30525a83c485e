import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { chromium } from 'playwright-core';
import { CHROMIUM } from '../support/chromium.mjs';
import { eventually, within } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { Program } from '../support/program.ts';
import { BiDi } from './bidi.ts';
import { WebDriver } from './webdriver.ts';

/** A browser with one page, as far as the cases for all engines need it. */
export interface Engine extends AsyncDisposable {
  /** With its version. */
  readonly name: string;
  goto(url: string): Promise<void>;
  /** Runs the body of an async function in the page. @returns what that does */
  run(body: string): Promise<unknown>;
  click(selector: string): Promise<void>;
  picture(path: string): Promise<void>;
}

const VIEW = { width: 1280, height: 800 };

/** How each is started. */
export const ENGINES: Readonly<Record<string, () => Promise<Engine>>> = {
  Chromium: startChromium,
  Firefox: startFirefox,
  WebKit: startWebKit,
};

async function startChromium(): Promise<Engine> {
  const browser = await within('Chromium', chromium.launch(CHROMIUM));
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: VIEW });
  const page = await context.newPage();
  return {
    name: `Chromium ${browser.version()}`,
    goto: async (url) => void (await within(url, page.goto(url))),
    run: (body) => within('a script', page.evaluate(`(async () => { ${body} })()`)),
    click: (selector) => page.locator(selector).first().click(),
    picture: async (path) => void (await page.screenshot({ path })),
    [Symbol.asyncDispose]: () => within('the end of Chromium', browser.close()),
  };
}

async function startFirefox(): Promise<Engine> {
  const profile = await mkdtemp(join(tmpdir(), 'firefox-'));
  const file = process.env['FIREFOX_PATH'] || '/usr/bin/firefox-esr';
  const port = await freePort();
  const args = ['--headless', '--no-remote', '--profile', profile];
  const firefox = new Program([file, ...args, `--remote-debugging-port=${port}`]);
  return orEnd(
    async () => {
      await firefox.complained('WebDriver BiDi listening');
      const session = await BiDi.start(`ws://127.0.0.1:${port}/session`, VIEW);
      return engineOf(session, () => session.close());
    },
    async () => {
      firefox.kill('SIGTERM');
      await firefox.ended();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  );
}

/** WebKit of GTK, the engine of Safari; it has to have a screen. */
async function startWebKit(): Promise<Engine> {
  const screen = `${VIEW.width}x${VIEW.height + 100}x24`;
  const display = new Program(['Xvfb', '-displayfd', '1', '-screen', '0', screen]);
  const number = await eventually('a screen', async () => `${display.stdout}`.trim() || null);
  const port = await freePort();
  const driver = new Program(['WebKitWebDriver', `--port=${port}`], {
    env: { DISPLAY: `:${number}`, LIBGL_ALWAYS_SOFTWARE: '1' },
  });
  return orEnd(
    async () => {
      const session = await WebDriver.start(`http://127.0.0.1:${port}`, VIEW);
      return engineOf(session, () => session.end());
    },
    async () => {
      await driver[Symbol.asyncDispose]();
      await display[Symbol.asyncDispose]();
    },
  );
}

/** The engine with an end that ends all; what is started for it ends, too, where it does not start. */
async function orEnd(start: () => Promise<Engine>, end: () => Promise<void>): Promise<Engine> {
  try {
    const engine = await start();
    return {
      ...engine,
      [Symbol.asyncDispose]: async () => {
        await engine[Symbol.asyncDispose]();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

function engineOf(session: BiDi | WebDriver, end: () => Promise<void> | void): Engine {
  return {
    name: session.name,
    goto: (url) => session.goto(url),
    run: (body) => session.run(body),
    click: (selector) => session.click(selector),
    picture: async (path) => writeFile(path, await session.picture()),
    [Symbol.asyncDispose]: async () => end(),
  };
}
