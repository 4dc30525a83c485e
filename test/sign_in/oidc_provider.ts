import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export const CLIENT_ID = 'shop';

const LIFE_SECONDS = 3600;

/** An identity provider that believes whoever comes to be the one it was told: enough of OpenID Connect for a relying party. */
export class OidcProvider implements AsyncDisposable {
  /** Whom it sends back. */
  user: Readonly<Record<string, unknown>> = {};
  readonly #server: Server;
  readonly #key: { readonly privateKey: CryptoKey; readonly jwk: JWK };
  /** By the code that stands for a sign-in. */
  readonly #grants = new Map<string, Record<string, unknown>>();

  static async start(): Promise<OidcProvider> {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const jwk = { ...(await exportJWK(publicKey)), kid: '1', alg: 'RS256', use: 'sig' };
    const provider = new OidcProvider({ privateKey, jwk });
    await once(provider.#server.listen(0, '127.0.0.1'), 'listening');
    return provider;
  }

  private constructor(key: { readonly privateKey: CryptoKey; readonly jwk: JWK }) {
    this.#key = key;
    this.#server = createServer(async (request, response) => {
      const answer = await this.#answer(new URL(request.url!, this.url), request);
      if (typeof answer === 'string') response.writeHead(302, { location: answer }).end();
      else response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** @returns JSON, or where to go */
  async #answer(
    { pathname, searchParams: asked }: URL,
    body: AsyncIterable<Uint8Array>,
  ): Promise<object | string> {
    switch (pathname) {
      case '/.well-known/openid-configuration':
        return {
          issuer: this.url,
          authorization_endpoint: `${this.url}/authorize`,
          token_endpoint: `${this.url}/token`,
          jwks_uri: `${this.url}/keys`,
          id_token_signing_alg_values_supported: ['RS256'],
        };
      case '/keys':
        return { keys: [this.#key.jwk] };
      case '/authorize': {
        const code = `code-${this.#grants.size}`;
        this.#grants.set(code, { ...this.user, nonce: asked.get('nonce') ?? undefined });
        const back = new URL(asked.get('redirect_uri')!);
        back.searchParams.set('code', code);
        back.searchParams.set('state', asked.get('state') ?? '');
        return back.href;
      }
      default: {
        let text = '';
        for await (const bytes of body) text += Buffer.from(bytes).toString();
        const claims = this.#grants.get(new URLSearchParams(text).get('code') ?? '');
        if (claims === undefined) return { error: 'invalid_grant' };
        const token = await this.#token(claims);
        const kind = { token_type: 'Bearer', expires_in: LIFE_SECONDS };
        return { ...kind, access_token: token, id_token: token };
      }
    }
  }

  #token(claims: Record<string, unknown>): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const times = { iat: now, exp: now + LIFE_SECONDS };
    return new SignJWT({ iss: this.url, aud: CLIENT_ID, ...times, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: '1' })
      .sign(this.#key.privateKey);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close().closeAllConnections();
  }
}
