import { Buffer } from 'node:buffer';
import { DEADLINE_MS, eventually } from '../support/deadline.ts';

const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

/** What `run()` makes of a body, so that a failure comes back in words. */
const ASYNC = (body: string): string => `
  const done = arguments[arguments.length - 1];
  (async () => { ${body} })().then(
    (value) => done({ value: value ?? null }),
    (error) => done({ error: String(error) }),
  );`;

/**
 * A session of a browser that Playwright does not drive, by the few commands of the protocol that the
 * cases need. See https://www.w3.org/TR/webdriver2/
 */
export class WebDriver {
  /** With its version. */
  readonly name: string;
  readonly #session: string;

  static async start(driver: string, view: { width: number; height: number }): Promise<WebDriver> {
    await eventually('a driver', () => fetch(`${driver}/status`).catch(() => null));
    const capabilities = { alwaysMatch: { acceptInsecureCerts: true } };
    const { sessionId, capabilities: has } = await ask('POST', `${driver}/session`, {
      capabilities,
    });
    const name = `${has.browserName} ${has.browserVersion}`;
    const session = new WebDriver(name, `${driver}/session/${sessionId}`);
    await session.#post('timeouts', { script: DEADLINE_MS, pageLoad: DEADLINE_MS });
    await session.#post('window/rect', { x: 0, y: 0, ...view });
    return session;
  }

  private constructor(name: string, session: string) {
    this.name = name;
    this.#session = session;
  }

  async goto(url: string): Promise<void> {
    await this.#post('url', { url });
  }

  async run(body: string): Promise<unknown> {
    const { value, error } = await this.#post('execute/async', { script: ASYNC(body), args: [] });
    if (error !== undefined) throw new Error(error);
    return value;
  }

  async click(selector: string): Promise<void> {
    const found = await this.#post('element', { using: 'css selector', value: selector });
    await this.#post(`element/${found[ELEMENT]}/click`, {});
  }

  /** A PNG. */
  async picture(): Promise<Buffer> {
    return Buffer.from(await ask('GET', `${this.#session}/screenshot`), 'base64');
  }

  async end(): Promise<void> {
    await ask('DELETE', this.#session);
  }

  #post(command: string, parameters: object): Promise<Answer> {
    return ask('POST', `${this.#session}/${command}`, parameters);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: each command has another
type Answer = any;

async function ask(method: string, url: string, parameters?: object): Promise<Answer> {
  const response = await fetch(url, {
    method,
    ...(parameters === undefined ? {} : { body: JSON.stringify(parameters) }),
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const { value } = (await response.json()) as { value: Answer };
  if (!response.ok) throw new Error(`${method} ${url}: ${value.error} ${value.message}`);
  return value;
}
