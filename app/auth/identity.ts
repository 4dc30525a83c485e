/** What came of a sign-in, as the metric counts it. */
export const SIGN_IN_RESULTS = [
  'ok',
  'missing',
  'expired',
  'invalid',
  'forbidden',
  'unavailable',
] as const;
export type SignInResult = (typeof SIGN_IN_RESULTS)[number];
/** Why somebody is not let in. */
export type SignInRefusal = Exclude<SignInResult, 'ok'>;

/** Who asks, and until when that is known. */
export interface Identity {
  /** What is said of whoever asks; nothing in it is null. */
  readonly claims: Claims;
  readonly scopes: readonly string[];
  /** Unix time in milliseconds. */
  readonly expiresAt: number;
  /** What the application has to say to the browser of whoever asks. */
  readonly setCookies?: readonly string[];
}

export type Claims = Readonly<Record<string, unknown>>;

/** Somebody, or why not. */
export type Verdict = Identity | SignInFault;

export interface SignInFault {
  readonly refusal: SignInRefusal;
  /** For the log, never for who asks. */
  readonly why: string;
  readonly setCookies?: readonly string[];
}

/** Whether it is somebody. */
export function isKnown(verdict: Verdict): verdict is Identity {
  return 'claims' in verdict;
}

/** Who says so is trusted; what goes through it must end where a stack does not. */
const MAX_DEPTH = 100;

/** What is said of somebody cannot be told. */
export class ClaimsError extends Error {
  constructor() {
    super(`claims that are nested more than ${MAX_DEPTH} deep`);
    this.name = 'ClaimsError';
  }
}

/**
 * Somebody of whom this is said.
 * @throws ClaimsError
 */
export function identityOf(said: Claims, expiresAt: number): Identity {
  const claims = withoutNulls(said) as Claims;
  return { claims, scopes: scopesOf(claims), expiresAt };
}

/**
 * A claim that is null is not there: it would be equal to the null of a record. An entry of a list
 * goes as well.
 */
function withoutNulls(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) throw new ClaimsError();
  if (Array.isArray(value)) {
    return value.filter((entry) => entry !== null).map((entry) => withoutNulls(entry, depth + 1));
  }
  // Not by assignment: a claim called `__proto__` would become the prototype.
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null)
      .map(([name, field]) => [name, withoutNulls(field, depth + 1)]),
  );
}

/** `scope` (RFC 8693) is a text with blanks between; `scp` (Entra ID, Okta) that or a list. */
function scopesOf(claims: Claims): string[] {
  const said = Object.hasOwn(claims, 'scope') ? claims['scope'] : own(claims, 'scp');
  if (typeof said === 'string') return said.split(' ').filter((scope) => scope !== '');
  if (!Array.isArray(said)) return [];
  return said.filter((scope): scope is string => typeof scope === 'string');
}

function own(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}
