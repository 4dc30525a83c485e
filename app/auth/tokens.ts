import { compactVerify } from 'jose';
import { ClaimsError, identityOf, type SignInFault, type Verdict } from './identity.ts';
import { KeyRing, type KeySource } from './key_ring.ts';
import { type KeySet, keysFor, type VerifyKey } from './keys.ts';
import {
  checkClaims,
  type Expected,
  readHead,
  readPayload,
  saysExpired,
  shown,
  TokenError,
  type TokenHead,
} from './token.ts';
import { TokenCache } from './token_cache.ts';

/** Tells of a token whose it is: a JSON Web Token, signed by a key of its issuer. */
export class Tokens {
  readonly keys: KeyRing;
  readonly #expected: Expected;
  readonly #algorithms: readonly string[];
  readonly #known = new TokenCache();
  /** Those that are looked at right now: a crowd with one token is one question. */
  readonly #underWay = new Map<string, Promise<Verdict>>();
  readonly #now: () => number;

  /** @param now Unix time in milliseconds */
  constructor(
    expected: Expected,
    algorithms: readonly string[],
    source: KeySource,
    now: () => number = Date.now,
  ) {
    this.#expected = expected;
    this.#algorithms = algorithms;
    // A key that is gone refuses its tokens from then on.
    this.keys = new KeyRing(source, () => this.#known.clear());
    this.#now = now;
  }

  /** @returns at once where the token is known. */
  verify(token: string): Verdict | Promise<Verdict> {
    const known = this.#known.get(token);
    if (known !== undefined) {
      if (known.expiresAt > this.#now()) return known;
      this.#known.delete(token);
      return { refusal: 'expired', why: 'its exp is over' };
    }
    let verdict = this.#underWay.get(token);
    if (verdict === undefined) {
      verdict = this.#judge(token).finally(() => this.#underWay.delete(token));
      this.#underWay.set(token, verdict);
    }
    return verdict;
  }

  async #judge(token: string): Promise<Verdict> {
    try {
      const head = readHead(token, this.#algorithms);
      for (;;) {
        const signed = await this.#verifySignature(token, head);
        if ('refusal' in signed) return signed;
        // Where others have taken their place meanwhile, those before do not count any more.
        if (signed !== this.keys.set) continue;
        const claims = readPayload(token);
        const identity = identityOf(claims, checkClaims(claims, this.#expected, this.#now()));
        this.#known.set(token, identity);
        return identity;
      }
    } catch (error) {
      if (error instanceof TokenError) return { refusal: error.refusal, why: error.message };
      if (error instanceof ClaimsError) return { refusal: 'invalid', why: error.message };
      throw error;
    }
  }

  /** @returns the keys by which it is verified, or why it is not. */
  async #verifySignature(token: string, head: TokenHead): Promise<SignInFault | KeySet> {
    const signed = await this.#signedBy(token, head);
    if (signed !== null) return signed;
    if (saysExpired(token, this.#now())) {
      return { refusal: 'expired', why: 'its exp is over, and its key is not known' };
    }
    const { algorithm, kid } = head;
    const hasKey = this.keys.set?.keys.some((key) => key.kid === kid) ?? false;
    if (kid !== null && !hasKey && this.keys.set !== null) {
      await this.keys.askForUnknown();
      const signedByNew = await this.#signedBy(token, head);
      if (signedByNew !== null) return signedByNew;
    }
    const { set, error } = this.keys;
    const isUnknown = kid !== null && !hasKey;
    if (set === null || (isUnknown && error !== null)) {
      return { refusal: 'unavailable', why: `keys cannot be had: ${error}` };
    }
    const of = isUnknown ? `a key that is not known (kid ${shown(kid)})` : algorithm;
    return { refusal: 'invalid', why: `its signature is by ${of} and not by the issuer's keys` };
  }

  /** The keys of which one has signed it; null where none has. */
  async #signedBy(token: string, { algorithm, kid }: TokenHead): Promise<KeySet | null> {
    for (;;) {
      const { set } = this.keys;
      if (set === null) return null;
      if (await isSignedByOne(token, keysFor(set, algorithm, kid))) return set;
      // Its key may be among those that have come meanwhile.
      if (this.keys.set === set) return null;
    }
  }
}

async function isSignedByOne(token: string, keys: readonly VerifyKey[]): Promise<boolean> {
  for (const key of keys) if (await isSignedBy(token, key)) return true;
  return false;
}

async function isSignedBy(token: string, { key, algorithm }: VerifyKey): Promise<boolean> {
  try {
    await compactVerify(token, key, { algorithms: [algorithm] });
    return true;
  } catch {
    return false;
  }
}
