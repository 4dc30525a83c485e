import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export const AUDIENCE = 'gateway';

interface Key {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export interface TokenOptions {
  /** Seconds from now on; below 0 it is over. */
  readonly lasts?: number;
  /** By a key that the issuer does not show. */
  readonly isForeign?: boolean;
}

/** Who makes tokens, on a port of this machine. */
export class Issuer implements AsyncDisposable {
  /** Whether it answers. */
  isUp = true;
  /** How often its keys were asked for. */
  asked = 0;
  readonly #server: Server;
  readonly #foreign: Key;
  #key: Key;
  #number = 1;

  static async start(): Promise<Issuer> {
    const [key, foreign] = await Promise.all([newKey('1'), newKey('foreign')]);
    const issuer = new Issuer(key, foreign);
    await once(issuer.#server.listen(0, '127.0.0.1'), 'listening');
    return issuer;
  }

  private constructor(key: Key, foreign: Key) {
    this.#key = key;
    this.#foreign = foreign;
    this.#server = createServer(this.#answer);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Settings of a gateway that takes its tokens. */
  get env(): Readonly<Record<string, string>> {
    return { JWT_ISSUER: this.url, JWT_AUDIENCE: AUDIENCE };
  }

  /** Another key in the place of the one before. */
  async rotate(): Promise<void> {
    this.#number++;
    this.#key = await newKey(`${this.#number}`);
  }

  token(
    claims: object = {},
    { lasts = 600, isForeign = false }: TokenOptions = {},
  ): Promise<string> {
    const { privateKey, jwk } = isForeign ? this.#foreign : this.#key;
    const now = Math.floor(Date.now() / 1000);
    const { url: iss } = this;
    // Not by `SignJWT.setExpirationTime`: a test may ask for a part of a second.
    return new SignJWT({ iss, aud: AUDIENCE, iat: now, exp: Date.now() / 1000 + lasts, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: jwk.kid! })
      .sign(privateKey);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close().closeAllConnections();
  }

  readonly #answer: RequestListener = (request, response) => {
    if (!this.isUp) {
      response.writeHead(503).end();
    } else if (request.url === '/.well-known/openid-configuration') {
      response.end(JSON.stringify({ issuer: this.url, jwks_uri: `${this.url}/keys` }));
    } else {
      this.asked++;
      response.end(JSON.stringify({ keys: [this.#key.jwk] }));
    }
  };
}

async function newKey(kid: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } };
}
