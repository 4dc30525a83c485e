import { getLogger } from '@logtape/logtape';
import type { Config } from '../config/config.ts';
import { ConfigError } from '../errors.ts';
import type { Expression } from '../expressions/expression.ts';
import { Application } from './application.ts';
import type { Asked, Authority } from './authority.ts';
import {
  type Identity,
  isKnown,
  SIGN_IN_RESULTS,
  type SignInFault,
  type SignInResult,
  type Verdict,
} from './identity.ts';
import { holds, parseRight, type Wanted } from './rights.ts';
import type { SignInPorts } from './sign_in_ports.ts';
import { TokenAuthority } from './token_authority.ts';

const logger = getLogger(['sse-kafka', 'auth']);

const LOG_EVERY_MS = 60_000;

type Settings = Pick<Config, 'jwtIssuer' | 'signInUrl' | 'require'> &
  ConstructorParameters<typeof TokenAuthority>[1];

/** Who may read: tells whoever asks apart, and what each may have. */
export class SignIn {
  /** By what came of it. */
  readonly counts: Record<SignInResult, number>;
  readonly authority: Authority;
  readonly #right: Expression | null;
  /** When each reason was last logged. */
  readonly #loggedAt = new Map<SignInResult, number>();

  /**
   * @returns null where everybody may read.
   * @throws ConfigError where it is set and has nothing to ask by
   */
  static create(settings: Settings, ports: SignInPorts | null): SignIn | null {
    const { jwtIssuer, signInUrl } = settings;
    if (jwtIssuer === null && signInUrl === null) return null;
    if (ports === null) {
      const setting = jwtIssuer === null ? 'SIGN_IN_URL' : 'JWT_ISSUER';
      const expected = 'a gateway that was given the ports to ask by (createGateway)';
      throw new ConfigError([{ setting, expected }]);
    }
    const authority =
      jwtIssuer === null
        ? new Application(signInUrl!, ports.web)
        : new TokenAuthority(jwtIssuer, settings, ports);
    return new SignIn(authority, settings.require);
  }

  private constructor(authority: Authority, right: string | null) {
    this.authority = authority;
    this.#right = right === null ? null : parseRight(right);
    const zeros = SIGN_IN_RESULTS.map((result) => [result, 0] as const);
    this.counts = Object.fromEntries(zeros) as Record<SignInResult, number>;
  }

  get keysAgeSeconds(): number | null {
    return this.authority.keysAgeSeconds;
  }

  /** Whether somebody may read something. */
  permits(identity: Identity, wanted: Wanted): boolean {
    const rights = [this.#right, wanted.right];
    return rights.every((right) => right === null || holds(right, identity, wanted));
  }

  /** Who asks, where they may read all of it, else why not; counted and, once a minute a reason, logged. */
  async admit(asked: Asked, wanted: readonly Wanted[]): Promise<Verdict> {
    const verdict = await this.authority.identify(asked);
    if (!isKnown(verdict)) return this.refuse(verdict);
    const lacking = wanted.find((one) => !this.permits(verdict, one));
    if (lacking !== undefined) {
      const why = `${lacking.topic} asks for a right that does not hold`;
      const { setCookies = [] } = verdict;
      return this.refuse({ refusal: 'forbidden', why, setCookies });
    }
    this.counts.ok++;
    return verdict;
  }

  /** Not let in; counted and logged as above. */
  refuse(fault: SignInFault): SignInFault {
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
