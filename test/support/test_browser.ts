import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { CHROMIUM } from './chromium.mjs';
import { DEADLINE_MS, eventually, within } from './deadline.ts';

/** Of which each click waits as long as all else does. */
async function newContext(
  browser: Browser,
  options: BrowserContextOptions,
): Promise<BrowserContext> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(DEADLINE_MS);
  return context;
}

/** A tab with the page, as its user sees it. */
export class Tab implements AsyncDisposable {
  /** Lines of the browser's console. */
  readonly console: string[] = [];
  readonly page: Page;

  static async open(browser: Browser, url: string, options?: BrowserContextOptions): Promise<Tab> {
    const context = await newContext(browser, { ignoreHTTPSErrors: true, ...options });
    const tab = new Tab(await context.newPage());
    await within(`the page of ${url}`, tab.page.goto(url));
    return tab;
  }

  private constructor(page: Page) {
    this.page = page;
    page.on('console', (message) => this.console.push(message.text()));
    page.on('pageerror', (error) => this.console.push(`uncaught ${error.message}`));
  }

  async go(): Promise<void> {
    await within('the button Go', this.page.getByRole('button', { name: 'Go' }).click());
  }

  location(): Promise<string> {
    return this.page.locator('#location').inputValue();
  }

  messages(): Promise<string[]> {
    return this.page.locator('#messages > *').allTextContents();
  }

  /** Waits until these are the messages, newest first. */
  async shows(...expected: string[]): Promise<void> {
    let seen: string[] = [];
    await eventually(
      () => `${JSON.stringify(expected)} on the page, which shows ${JSON.stringify(seen)}`,
      async () => {
        seen = await this.messages();
        return JSON.stringify(seen) === JSON.stringify(expected);
      },
    );
  }

  /** Waits until an element has this text. */
  async says(selector: string, text: string | RegExp): Promise<void> {
    let seen = '';
    await eventually(
      () => `${text} in ${selector}, which has ${JSON.stringify(seen)}`,
      async () => {
        seen = (await this.page.locator(selector).textContent()) ?? '';
        return typeof text === 'string' ? seen === text : text.test(seen);
      },
    );
  }

  /** Waits for a line on the console that has this word. */
  async logs(word: string): Promise<void> {
    await eventually(
      () => `"${word}" on the console, which has ${JSON.stringify(this.console)}`,
      async () => this.console.some((line) => line.split(/\W/).includes(word)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}

/** Tabs that share what tabs of one user share: storage, workers, locks. */
export class Window implements AsyncDisposable {
  readonly #context: BrowserContext;

  constructor(context: BrowserContext) {
    this.#context = context;
  }

  async open(url: string): Promise<Page> {
    const page = await this.#context.newPage();
    await within(`the page of ${url}`, page.goto(url));
    return page;
  }

  /** Opens what the browser warns of, and tells it to go on, as a user does. */
  async openDistrusted(url: string): Promise<Page> {
    const page = await this.#context.newPage();
    const refused = await page.goto(url).catch(String);
    if (!String(refused).includes('ERR_CERT_AUTHORITY_INVALID')) {
      throw new Error(`no warning of ${url}: ${refused}`);
    }
    await eventually(`${url} after its warning`, async () => {
      if (page.url() === url && (await page.evaluate(() => location.href)) === url) return true;
      // What Chromium takes for the two clicks.
      await page.keyboard.type('thisisunsafe');
      return false;
    });
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
  }
}

/** A real browser. */
export class TestBrowser implements AsyncDisposable {
  readonly #browser: Browser;

  static async launch(): Promise<TestBrowser> {
    return new TestBrowser(await within('Chromium', chromium.launch(CHROMIUM)));
  }

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  open(url: string, options?: BrowserContextOptions): Promise<Tab> {
    return Tab.open(this.#browser, url, options);
  }

  async newWindow(ignoreHTTPSErrors = true): Promise<Window> {
    return new Window(await newContext(this.#browser, { ignoreHTTPSErrors }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await within('the end of Chromium', this.#browser.close());
  }
}
