import { getLogger } from '@logtape/logtape';
import type { Web, WebAnswer } from '../ports/web.ts';
import type { Asked, Authority } from './authority.ts';
import { type Claims, identityOf, isKnown, type SignInFault, type Verdict } from './identity.ts';
import { Turns } from './turns.ts';

const logger = getLogger(['sse-kafka', 'auth']);

const TIMEOUT_MS = 2000;
/** The wait for a turn included. */
const PATIENCE_MS = 10_000;
const MAX_BYTES = 64 * 1024;
const MAX_QUESTIONS = 64;
/** Whoever is let in without saying until when is asked for again after this. */
const DEFAULT_LIFE_MS = 300_000;
/** Beyond it a number of seconds is one of milliseconds. */
const MAX_SECONDS = 1e11;
/** How often it is tried again whether it lets in whoever shows nothing. */
const PROOF_MS = 10_000;

/** Names of headers whose values are claims, where there is no JSON: those of common proxies. */
const CLAIM_HEADERS = /^(?:remote-|x-auth-request-)/;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Knows somebody by asking the application, with what they have shown. Nothing is kept. */
export class Application implements Authority {
  readonly makesCookie = false;
  readonly missing = null;
  readonly keysAgeSeconds = null;
  readonly #web: Web;
  readonly #url: string;
  readonly #now: () => number;
  readonly #turns = new Turns(MAX_QUESTIONS);
  /** Equal ones are one question. */
  readonly #underWay = new Map<string, Promise<Verdict>>();
  /** Whether it was seen to refuse whoever shows nothing. */
  #isProven = false;
  #proof: Promise<void> | null = null;
  #provenAt = Number.NEGATIVE_INFINITY;

  /** @param now Unix time in milliseconds */
  constructor(url: string, web: Web, now: () => number = Date.now) {
    this.#url = url;
    this.#web = web;
    this.#now = now;
  }

  async run(): Promise<void> {}

  usesCookie(request: Request): boolean {
    return request.headers.has('cookie');
  }

  /** Whether it lets in whoever shows nothing; false where that cannot be told yet, too. */
  async letsInAnybody(): Promise<boolean> {
    const verdict = await this.#ask(questionHeaders({}));
    this.#provenAt = performance.now();
    if (isKnown(verdict)) return true;
    // Out of reach it may let in anybody once it is back. A page in the place of an answer is none.
    this.#isProven = verdict.refusal !== 'unavailable' || verdict.why === IS_PAGE;
    return false;
  }

  identify({ request, address }: Asked): Verdict | Promise<Verdict> {
    const { headers } = request;
    const cookie = headers.get('cookie');
    const authorization = headers.get('authorization');
    if (cookie === null && authorization === null) {
      return { refusal: 'missing', why: 'neither cookie nor Authorization' };
    }
    const { protocol, host, pathname } = new URL(request.url);
    const question = questionHeaders({
      cookie,
      authorization,
      'x-forwarded-method': request.method,
      'x-forwarded-proto': protocol.slice(0, -1),
      'x-forwarded-host': headers.get('host') ?? host,
      'x-forwarded-for': address,
      'x-forwarded-uri': plain(pathname),
    });
    const key = JSON.stringify(question);
    let verdict = this.#underWay.get(key);
    if (verdict === undefined) {
      verdict = this.#askProven(question).finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, verdict);
    }
    return verdict;
  }

  async #askProven(headers: Readonly<Record<string, string>>): Promise<Verdict> {
    if (!this.#isProven) await this.#prove();
    if (!this.#isProven) return unavailable('it is not known yet whether it refuses anybody');
    return this.#ask(headers);
  }

  /** Once for all who wait for it. */
  #prove(): Promise<void> {
    if (this.#proof === null && performance.now() - this.#provenAt < PROOF_MS) {
      return Promise.resolve();
    }
    this.#proof ??= this.letsInAnybody()
      .then((letsIn) => {
        if (!letsIn) return;
        logger.error('Nobody is let in: {url} lets in whoever shows neither cookie nor token', {
          url: this.#url,
        });
      })
      .finally(() => {
        this.#proof = null;
      });
    return this.#proof;
  }

  async #ask(headers: Readonly<Record<string, string>>): Promise<Verdict> {
    if (!(await this.#turns.take(PATIENCE_MS - TIMEOUT_MS))) return unavailable('no turn to ask');
    try {
      const question = { headers, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES };
      const answer = await this.#web.get(this.#url, question);
      const setCookies = answer.headers.getSetCookie();
      const verdict = this.#verdictOf(answer);
      return setCookies.length === 0 ? verdict : { ...verdict, setCookies };
    } catch (error) {
      return unavailable((error as Error).message);
    } finally {
      this.#turns.giveBack();
    }
  }

  #verdictOf({ status, headers, body }: WebAnswer): Verdict {
    if (status === 403) return { refusal: 'forbidden', why: 'status 403' };
    if (status === 401 || (status >= 300 && status < 400)) {
      return { refusal: 'invalid', why: `status ${status}` };
    }
    if (status < 200 || status > 299) return unavailable(`status ${status}`);
    const type = headers.get('content-type')?.toLowerCase() ?? '';
    const text = textOf(body);
    if (text === null) return unavailable('an answer that is not UTF-8');
    // Single-page applications answer every path with their page.
    if (/\bx?html\b/.test(type) || text.trimStart().startsWith('<')) return unavailable(IS_PAGE);
    if (/\bjson\b/.test(type) && text.trim() !== '') return this.#said(text);
    return identityOf(headerClaims(headers), this.#now() + DEFAULT_LIFE_MS);
  }

  #said(text: string): Verdict {
    const said = objectOf(text);
    if (said === null) return unavailable('an answer that is no JSON object');
    const { claims = {}, until } = said as { claims?: unknown; until?: unknown };
    if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) {
      return unavailable('claims that are no object');
    }
    if (until === undefined) return identityOf(claims as Claims, this.#now() + DEFAULT_LIFE_MS);
    if (typeof until !== 'number' || until > MAX_SECONDS) {
      return unavailable('an until that is no time in seconds');
    }
    if (until * 1000 <= this.#now()) return { refusal: 'expired', why: 'its until is over' };
    return identityOf(claims as Claims, until * 1000);
  }
}

const IS_PAGE = 'a page (HTML) is no answer';

function unavailable(why: string): SignInFault {
  return { refusal: 'unavailable', why };
}

function questionHeaders(
  more: Readonly<Record<string, string | null>>,
): Readonly<Record<string, string>> {
  const given = Object.entries(more).filter((pair): pair is [string, string] => pair[1] !== null);
  return {
    accept: 'application/json',
    'x-requested-with': 'XMLHttpRequest',
    ...Object.fromEntries(given),
  };
}

/** Each segment spelled in one way alone: `/%6frders` is `/orders` to the gateway, too. */
function plain(pathname: string): string {
  try {
    return pathname
      .split('/')
      .map((segment) => encodeURIComponent(decodeURIComponent(segment)))
      .join('/');
  } catch {
    return pathname;
  }
}

function headerClaims(headers: Headers): Claims {
  const pairs = [...headers].filter(([name]) => CLAIM_HEADERS.test(name));
  return Object.fromEntries(pairs.map(([name, value]) => [name, headerText(value)]));
}

/** A header is bytes, each shown as one character; proxies write UTF-8 into them. */
function headerText(value: string): string {
  if (/[^\0-\xff]/.test(value)) return value;
  return textOf(Uint8Array.from(value, (char) => char.charCodeAt(0))) ?? value;
}

function textOf(body: Uint8Array): string | null {
  try {
    return decoder.decode(body);
  } catch {
    return null;
  }
}

function objectOf(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
