import { Buffer } from 'node:buffer';
import { WebSocket } from 'undici';
import { within } from '../support/deadline.ts';

// biome-ignore lint/suspicious/noExplicitAny: each command has another
type Result = any;

interface Waiting {
  resolve(result: Result): void;
  reject(error: Error): void;
}

/**
 * A session of Firefox, by the few commands of WebDriver BiDi that the cases need: Playwright asks Debian's
 * for some that it does not have. See https://www.w3.org/TR/webdriver-bidi/
 */
export class BiDi {
  /** With its version. */
  name = '';
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  #context = '';
  #next = 0;

  static async start(url: string, viewport: { width: number; height: number }): Promise<BiDi> {
    const socket = new WebSocket(url);
    const opened = new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    await within('the socket of Firefox', opened);
    const session = new BiDi(socket);
    await session.#start(viewport);
    return session;
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#answered(JSON.parse(data)));
  }

  async #start(viewport: { width: number; height: number }): Promise<void> {
    const capabilities = { alwaysMatch: { acceptInsecureCerts: true } };
    const { capabilities: has } = await this.#ask('session.new', { capabilities });
    this.name = `${has.browserName} ${has.browserVersion}`;
    const { contexts } = await this.#ask('browsingContext.getTree', {});
    this.#context = contexts[0].context;
    await this.#ask('browsingContext.setViewport', { context: this.#context, viewport });
  }

  async goto(url: string): Promise<void> {
    await this.#ask('browsingContext.navigate', { context: this.#context, url, wait: 'complete' });
  }

  async run(body: string): Promise<unknown> {
    const { type, result, exceptionDetails } = await this.#ask('script.evaluate', {
      expression: `(async () => { ${body} })().then((value) => JSON.stringify(value ?? null))`,
      target: { context: this.#context },
      awaitPromise: true,
    });
    if (type === 'exception') throw new Error(exceptionDetails.text);
    return JSON.parse(result.value);
  }

  async click(selector: string): Promise<void> {
    const place = (await this.run(`
      const element = document.querySelector(${JSON.stringify(selector)});
      element.scrollIntoView({ block: 'nearest' });
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x: Math.round(x + width / 2), y: Math.round(y + height / 2) };`)) as object;
    const actions = [
      { type: 'pointerMove', ...place },
      { type: 'pointerDown', button: 0 },
      { type: 'pointerUp', button: 0 },
    ];
    await this.#ask('input.performActions', {
      context: this.#context,
      actions: [{ type: 'pointer', id: 'mouse', actions }],
    });
  }

  /** A PNG. */
  async picture(): Promise<Buffer> {
    const { data } = await this.#ask('browsingContext.captureScreenshot', {
      context: this.#context,
    });
    return Buffer.from(data, 'base64');
  }

  close(): void {
    this.#socket.close();
  }

  #ask(method: string, params: object): Promise<Result> {
    const id = this.#next++;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#socket.send(JSON.stringify({ id, method, params }));
    return within(`${method} of Firefox`, answer);
  }

  #answered({ id, type, result, error, message }: Result): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (type === 'error') waiting?.reject(new Error(`${error}: ${message}`));
    else waiting?.resolve(result);
  }
}
