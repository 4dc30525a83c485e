import { type CryptoKey, importJWK, type JWK, SignJWT } from 'jose';

export const AUDIENCE = 'soak';

/** Makes the tokens of an issuer, in each process that needs some. */
export class TokenMaker {
  readonly #issuer: string;
  #key: Promise<CryptoKey>;
  #kid: string;

  /** @param jwk a private key, with its `kid` */
  constructor(issuer: string, jwk: JWK) {
    this.#issuer = issuer;
    this.#kid = jwk.kid!;
    this.#key = imported(jwk);
  }

  /** From now on they are signed by another key. */
  use(jwk: JWK): void {
    this.#kid = jwk.kid!;
    this.#key = imported(jwk);
  }

  /** @param expiresAt Unix time in milliseconds */
  async token(claims: object, expiresAt: number, aud = AUDIENCE): Promise<string> {
    const kid = this.#kid;
    return new SignJWT({ iss: this.#issuer, aud, exp: expiresAt / 1000, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid })
      .sign(await this.#key);
  }
}

async function imported(jwk: JWK): Promise<CryptoKey> {
  return (await importJWK(jwk, 'ES256')) as CryptoKey;
}
