import type { Context } from 'hono';
import type { Asked } from '../auth/authority.ts';
import { bearerOf, OWN_COOKIE } from '../auth/credentials.ts';
import { type Identity, isKnown } from '../auth/identity.ts';
import type { Wanted } from '../auth/rights.ts';
import type { SignIn } from '../auth/sign_in.ts';
import type { Config } from '../config/config.ts';
import type { ClientConnection } from '../ports/client_connection.ts';
import { isFromOwnPages } from './own_pages.ts';
import { refuseSignIn } from './sign_in_refusal.ts';

export const SIGN_IN_PATH = '/-/sign-in';
export const SIGN_IN_METHODS = ['POST', 'DELETE', 'OPTIONS'];

/** Browsers take 4,096 bytes of name, value and attributes; some count otherwise. */
const MAX_COOKIE_BYTES = 3900;
const COOKIE_ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Strict';
const NOT_STORED = { 'cache-control': 'no-store' };

/** The way in of a gateway that does not let everybody read. */
export class Gate {
  readonly #signIn: SignIn;
  readonly #config: Pick<Config, 'corsOrigins' | 'trustProxy'>;

  constructor(signIn: SignIn, config: Pick<Config, 'corsOrigins' | 'trustProxy'>) {
    this.#signIn = signIn;
    this.#config = config;
  }

  /**
   * Asks who comes.
   * @param wanted the topics of the stream that is asked for; null: something that everybody who is
   * signed in gets
   * @returns the answer to whoever is not let in
   */
  async admit(
    c: Context<{ Bindings: ClientConnection }>,
    wanted: readonly Wanted[] | null,
  ): Promise<Identity | Response> {
    const request = c.req.raw;
    if (this.#signIn.authority.usesCookie(request) && !isFromOwnPages(request, this.#config)) {
      return c.text('A cookie counts from listed origins alone; send Authorization: Bearer\n', 403);
    }
    const verdict = await this.#signIn.admit(this.#asked(c), wanted ?? []);
    for (const cookie of verdict.setCookies ?? []) c.header('set-cookie', cookie, { append: true });
    return isKnown(verdict) ? verdict : refuseSignIn(c, verdict.refusal, wanted !== null);
  }

  #asked(c: Context<{ Bindings: ClientConnection }>): Asked {
    const { raw: request } = c.req;
    const forwarded = request.headers.get('x-forwarded-for')?.split(',').at(-1)?.trim();
    const address = (this.#config.trustProxy ? forwarded : undefined) || c.env.address;
    return { request, address };
  }

  /** Whether somebody may read something. */
  permits(identity: Identity, wanted: Wanted): boolean {
    return this.#signIn.permits(identity, wanted);
  }

  /** Whether it has `/-/sign-in`. */
  get makesCookie(): boolean {
    return this.#signIn.authority.makesCookie;
  }

  /**
   * `POST` puts the bearer's token into a cookie, which an EventSource sends along and no script can
   * read; `DELETE` takes it away again. Nothing is kept here.
   */
  async cookie(c: Context<{ Bindings: ClientConnection }>): Promise<Response> {
    if (c.req.method === 'DELETE') {
      const cleared = `${OWN_COOKIE}=; ${COOKIE_ATTRIBUTES}; Max-Age=0`;
      return c.body(null, 204, { ...NOT_STORED, 'set-cookie': cleared });
    }
    const token = bearerOf(c.req.raw);
    // Only what comes with the request itself: a cookie would renew itself.
    if (token === null) {
      const { refusal } = this.#signIn.refuse({ refusal: 'missing', why: 'no bearer token' });
      return refuseSignIn(c, refusal, false);
    }
    const verdict = await this.#signIn.admit(this.#asked(c), []);
    if (!isKnown(verdict)) return refuseSignIn(c, verdict.refusal, false);
    const seconds = Math.max(0, Math.floor((verdict.expiresAt - Date.now()) / 1000));
    const cookie = `${OWN_COOKIE}=${token}; ${COOKIE_ATTRIBUTES}; Max-Age=${seconds}`;
    if (cookie.length > MAX_COOKIE_BYTES) {
      return c.text(`More than the ${MAX_COOKIE_BYTES} bytes of a cookie\n`, 413, NOT_STORED);
    }
    return c.body(null, 204, { ...NOT_STORED, 'set-cookie': cookie });
  }
}

/** Marks what depends on who asks: no cache may give it to another. */
export function markPrivate({ headers }: Response): void {
  const before = headers.get('cache-control') ?? 'no-cache';
  if (before !== 'no-store' && !before.startsWith('private'))
    headers.set('cache-control', `private, ${before}`);
  headers.append('vary', 'authorization, cookie');
}
