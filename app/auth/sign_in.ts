import { getLogger } from '@logtape/logtape';
import type { Config } from '../config/config.ts';
import { ASYMMETRIC_ALGORITHMS, SECRET_ALGORITHMS } from '../config/token_algorithms.ts';
import { ConfigError } from '../errors.ts';
import type { Expression } from '../expressions/expression.ts';
import type { Files } from '../ports/files.ts';
import type { Web } from '../ports/web.ts';
import { bearerOf, cookieOf, OWN_COOKIE, queryTokenOf } from './credentials.ts';
import {
  type Identity,
  isKnown,
  SIGN_IN_RESULTS,
  type SignInFault,
  type SignInResult,
  type Verdict,
} from './identity.ts';
import type { KeySource } from './key_ring.ts';
import { keysByDiscovery, keysByFile, keysBySecret, keysByUrl } from './key_sources.ts';
import { holds, parseRight, type Wanted } from './rights.ts';
import { Tokens } from './tokens.ts';

const logger = getLogger(['sse-kafka', 'auth']);

const LOG_EVERY_MS = 60_000;

type Settings = Pick<
  Config,
  | 'jwtIssuer'
  | 'jwtAudience'
  | 'jwtJwksUrl'
  | 'jwtKeysFile'
  | 'jwtSecretFile'
  | 'jwtAlgorithms'
  | 'jwtCookie'
  | 'jwtQuery'
  | 'require'
>;

/** What a sign-in asks others by. */
export interface SignInPorts {
  readonly web: Web;
  readonly files: Files;
}

/** Who may read: tells whoever asks apart, and what each may have. */
export class SignIn {
  /** By what came of it. */
  readonly counts: Record<SignInResult, number>;
  readonly #tokens: Tokens;
  /** The application's own cookie, or that of `/-/sign-in`. */
  readonly #cookie: string;
  readonly #takesQuery: boolean;
  readonly #right: Expression | null;
  /** When each reason was last logged. */
  readonly #loggedAt = new Map<SignInResult, number>();
  /** Whether `/-/sign-in` makes the cookie. */
  readonly makesCookie: boolean;

  /**
   * @returns null where everybody may read.
   * @throws ConfigError where it is set and has nothing to ask by
   */
  static create(settings: Settings, ports: SignInPorts | null): SignIn | null {
    if (settings.jwtIssuer === null) return null;
    if (ports !== null) return new SignIn(settings, ports);
    const expected = 'a gateway that was given the ports to ask for keys (createGateway)';
    throw new ConfigError([{ setting: 'JWT_ISSUER', expected }]);
  }

  private constructor(settings: Settings, ports: SignInPorts) {
    const algorithms = algorithmsOf(settings);
    const expected = { issuer: settings.jwtIssuer!, audiences: settings.jwtAudience! };
    this.#tokens = new Tokens(expected, algorithms, sourceOf(settings, algorithms, ports));
    this.#cookie = settings.jwtCookie ?? OWN_COOKIE;
    this.makesCookie = settings.jwtCookie === null;
    this.#takesQuery = settings.jwtQuery;
    this.#right = settings.require === null ? null : parseRight(settings.require);
    const zeros = SIGN_IN_RESULTS.map((result) => [result, 0] as const);
    this.counts = Object.fromEntries(zeros) as Record<SignInResult, number>;
  }

  /** What is missing before anybody can be let in, in words. */
  get missing(): string | null {
    return this.#tokens.keys.missing;
  }

  /** How old what is known of the keys is; null before anything is. */
  get keysAgeSeconds(): number | null {
    return this.#tokens.keys.ageSeconds;
  }

  /** Keeps the keys fresh until the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#tokens.keys.run(signal);
  }

  /** Whether it is by a cookie that the request would be let in: a page of anybody's sends it along. */
  usesCookie(request: Request): boolean {
    return bearerOf(request) === null && cookieOf(request, this.#cookie) !== null;
  }

  /** Who asks. */
  identify(request: Request): Verdict | Promise<Verdict> {
    const token =
      bearerOf(request) ??
      cookieOf(request, this.#cookie) ??
      (this.#takesQuery ? queryTokenOf(request) : null);
    return token === null ? { refusal: 'missing', why: 'no token' } : this.#tokens.verify(token);
  }

  /** Whether somebody may read something. */
  permits(identity: Identity, wanted: Wanted): boolean {
    return this.#right === null || holds(this.#right, identity, wanted);
  }

  /** Who asks, where they may read it, else why not; counted and, once a minute a reason, logged. */
  async admit(request: Request, wanted: Wanted | null): Promise<Verdict> {
    const verdict = await this.identify(request);
    if (!isKnown(verdict)) return this.#refused(verdict);
    if (wanted !== null && !this.permits(verdict, wanted)) {
      const why = `${wanted.topic} asks for a right that does not hold`;
      return this.#refused({ refusal: 'forbidden', why });
    }
    this.counts.ok++;
    return verdict;
  }

  #refused(fault: SignInFault): SignInFault {
    const { refusal, why } = fault;
    this.counts[refusal]++;
    const now = performance.now();
    const last = this.#loggedAt.get(refusal) ?? Number.NEGATIVE_INFINITY;
    if (refusal !== 'missing' && now - last >= LOG_EVERY_MS) {
      this.#loggedAt.set(refusal, now);
      logger.warn('Somebody is not let in, {refusal}: {why} (told once a minute)', {
        refusal,
        why,
      });
    }
    return fault;
  }
}

function algorithmsOf({ jwtAlgorithms, jwtSecretFile }: Settings): readonly string[] {
  return jwtAlgorithms ?? (jwtSecretFile === null ? ASYMMETRIC_ALGORITHMS : SECRET_ALGORITHMS);
}

function sourceOf(
  { jwtJwksUrl, jwtKeysFile, jwtSecretFile, jwtIssuer }: Settings,
  algorithms: readonly string[],
  { web, files }: SignInPorts,
): KeySource {
  if (jwtJwksUrl !== null) return keysByUrl(web, jwtJwksUrl, algorithms);
  if (jwtKeysFile !== null) return keysByFile(files, jwtKeysFile, algorithms);
  if (jwtSecretFile !== null) return keysBySecret(files, jwtSecretFile, algorithms);
  return keysByDiscovery(web, jwtIssuer!, algorithms);
}
