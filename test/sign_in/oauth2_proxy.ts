import { eventually } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { goProgram } from '../support/go_program.ts';
import { Program } from '../support/program.ts';
import { CLIENT_ID, type OidcProvider } from './oidc_provider.ts';

const MODULE = 'github.com/oauth2-proxy/oauth2-proxy/v7';
const START_MS = 60_000;

/** Compiles it, where that was not done yet. @returns the program */
export function haveOauth2Proxy(): Promise<string> {
  return goProgram('oauth2-proxy', MODULE, 'v7.15.6');
}

/** A real oauth2-proxy, as docs/sign_in.md has it. */
export class Oauth2Proxy implements AsyncDisposable {
  readonly #program: Program;
  readonly #port: number;

  /** @param cookieSeconds for how long its session lasts */
  static async start({ url }: OidcProvider, cookieSeconds: number): Promise<Oauth2Proxy> {
    const port = await freePort();
    const flags = {
      'http-address': `127.0.0.1:${port}`,
      'redirect-url': `http://127.0.0.1:${port}/oauth2/callback`,
      provider: 'oidc',
      'oidc-issuer-url': url,
      'client-id': CLIENT_ID,
      'client-secret': 'secret',
      'cookie-secret': '0123456789abcdef',
      'cookie-secure': 'false',
      'cookie-expire': `${cookieSeconds}s`,
      'email-domain': '*',
      'set-xauthrequest': 'true',
      upstream: 'static://202',
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    return Oauth2Proxy.startWith(args, port);
  }

  /** @param port where its arguments have it listen */
  static async startWith(args: readonly string[], port: number): Promise<Oauth2Proxy> {
    const proxy = new Oauth2Proxy(new Program([await haveOauth2Proxy(), ...args]), port);
    const isUp = async (): Promise<boolean> =>
      fetch(`${proxy.url}/ping`)
        .then(({ ok }) => ok)
        .catch(() => false);
    await eventually(
      () => `oauth2-proxy to answer; it said ${proxy.#program.stdout}`,
      isUp,
      START_MS,
    );
    return proxy;
  }

  private constructor(program: Program, port: number) {
    this.#program = program;
    this.#port = port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /**
   * Signs in as whom the provider says, as a browser does it.
   *
   * @param origin where its user meets it
   * @returns the cookie of the session
   */
  async signIn(origin = this.url): Promise<string> {
    const jar = new Map<string, string>();
    const go = async (url: string): Promise<string | null> => {
      const cookie = [...jar].map((pair) => pair.join('=')).join('; ');
      const answer = await fetch(url, { headers: { cookie }, redirect: 'manual' });
      for (const line of answer.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
        jar.set(name!, value!);
      }
      await answer.body?.cancel();
      return answer.headers.get('location');
    };
    const provider = await go(`${origin}/oauth2/start?rd=/`);
    const callback = await go(provider!);
    await go(callback!);
    const session = [...jar].filter(([name]) => /^_oauth2_proxy(_\d+)?$/.test(name));
    return session.map((pair) => pair.join('=')).join('; ');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
  }
}
