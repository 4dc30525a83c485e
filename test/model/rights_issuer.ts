import { CompactSign, type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { Web, WebAnswer } from '../../app/ports/web.ts';
import type { VirtualClock } from './virtual_clock.ts';

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'gateway';

interface Key {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

/** What may be wrong with a token. */
export const TOKEN_FAULTS = ['over', 'another audience', 'a foreign key', 'forged'] as const;
export type TokenFault = (typeof TOKEN_FAULTS)[number];

/** A token, and what its maker knows of it. */
export interface Token {
  readonly text: string;
  readonly kid: string;
  /** Unix time in milliseconds. */
  readonly expiresAt: number;
  readonly fault: TokenFault | null;
}

/** To make one takes longer than a whole scenario. */
const KEYS: readonly Key[] = await Promise.all(
  Array.from({ length: 12 }, async (_, number) => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), kid: `${number}`, alg: 'ES256', use: 'sig' };
    return { privateKey, jwk };
  }),
);
const FOREIGN = KEYS[0]!;

/** Who makes tokens and shows the keys of them: the newest, and for some time the one before. */
export class RightsIssuer {
  isUp = true;
  readonly #clock: VirtualClock;
  #current = 1;
  #shown: readonly number[] = [1];

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  /** Signs with another key from now on. @param keepsOld whether the one before still counts */
  rotate(keepsOld: boolean): void {
    if (this.#current + 1 === KEYS.length) return;
    this.#current++;
    this.#shown = keepsOld ? [this.#current - 1, this.#current] : [this.#current];
  }

  async token(claims: object, lastsMs: number, fault: TokenFault | null): Promise<Token> {
    const expiresAt = Math.floor(this.#clock.now) + (fault === 'over' ? -1 : lastsMs);
    const isForeign = fault === 'a foreign key' || fault === 'forged';
    const key = isForeign ? FOREIGN : KEYS[this.#current]!;
    const kid = fault === 'a foreign key' ? 'foreign' : `${this.#current}`;
    const aud = fault === 'another audience' ? 'other' : AUDIENCE;
    const payload = { iss: ISSUER, aud, exp: expiresAt / 1000, ...claims };
    const text = await new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
      .setProtectedHeader({ alg: 'ES256', kid })
      .sign(key.privateKey);
    return { text, kid, expiresAt, fault };
  }

  /** The way of one gateway to it, and what it was told last. */
  seenBy(): { readonly web: Web; readonly told: Told } {
    const told: Told = { kids: null, isError: true };
    const get = async (): Promise<WebAnswer> => {
      told.isError = !this.isUp;
      if (!this.isUp) throw new Error('ECONNREFUSED');
      told.kids = this.#shown.map(String);
      const keys = this.#shown.map((number) => KEYS[number]!.jwk);
      const body = new TextEncoder().encode(JSON.stringify({ keys }));
      return { status: 200, headers: new Headers(), body };
    };
    return { web: { get }, told };
  }
}

/** What a gateway knows of the keys. */
export interface Told {
  /** Of the last good answer; `null` before there was one. */
  kids: readonly string[] | null;
  /** Whether there was no answer the last time. */
  isError: boolean;
}
