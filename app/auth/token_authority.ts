import type { Config } from '../config/config.ts';
import { ASYMMETRIC_ALGORITHMS, SECRET_ALGORITHMS } from '../config/token_algorithms.ts';
import type { Asked, Authority } from './authority.ts';
import { bearerOf, cookieOf, OWN_COOKIE, queryTokenOf } from './credentials.ts';
import type { Verdict } from './identity.ts';
import type { KeySource } from './key_ring.ts';
import { keysByDiscovery, keysByFile, keysBySecret, keysByUrl } from './key_sources.ts';
import type { SignInPorts } from './sign_in_ports.ts';
import { Tokens } from './tokens.ts';

type Settings = Pick<
  Config,
  | 'jwtAudience'
  | 'jwtJwksUrl'
  | 'jwtKeysFile'
  | 'jwtSecretFile'
  | 'jwtAlgorithms'
  | 'jwtCookie'
  | 'jwtQuery'
>;

/** Knows somebody by a token of an issuer. */
export class TokenAuthority implements Authority {
  readonly makesCookie: boolean;
  readonly #tokens: Tokens;
  /** The application's own cookie, or that of `/-/sign-in`. */
  readonly #cookie: string;
  readonly #takesQuery: boolean;

  constructor(issuer: string, settings: Settings, ports: SignInPorts) {
    const { jwtAlgorithms, jwtSecretFile, jwtAudience, jwtCookie, jwtQuery } = settings;
    const algorithms =
      jwtAlgorithms ?? (jwtSecretFile === null ? ASYMMETRIC_ALGORITHMS : SECRET_ALGORITHMS);
    const expected = { issuer, audiences: jwtAudience! };
    this.#tokens = new Tokens(expected, algorithms, sourceOf(issuer, settings, algorithms, ports));
    this.#cookie = jwtCookie ?? OWN_COOKIE;
    this.makesCookie = jwtCookie === null;
    this.#takesQuery = jwtQuery;
  }

  get missing(): string | null {
    return this.#tokens.keys.missing;
  }

  get keysAgeSeconds(): number | null {
    return this.#tokens.keys.ageSeconds;
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#tokens.keys.run(signal);
  }

  usesCookie(request: Request): boolean {
    return bearerOf(request) === null && cookieOf(request, this.#cookie) !== null;
  }

  identify({ request }: Asked): Verdict | Promise<Verdict> {
    const token =
      bearerOf(request) ??
      cookieOf(request, this.#cookie) ??
      (this.#takesQuery ? queryTokenOf(request) : null);
    return token === null ? { refusal: 'missing', why: 'no token' } : this.#tokens.verify(token);
  }
}

function sourceOf(
  issuer: string,
  { jwtJwksUrl, jwtKeysFile, jwtSecretFile }: Settings,
  algorithms: readonly string[],
  { web, files }: SignInPorts,
): KeySource {
  if (jwtJwksUrl !== null) return keysByUrl(web, jwtJwksUrl, algorithms);
  if (jwtKeysFile !== null) return keysByFile(files, jwtKeysFile, algorithms);
  if (jwtSecretFile !== null) return keysBySecret(files, jwtSecretFile, algorithms);
  return keysByDiscovery(web, issuer, algorithms);
}
