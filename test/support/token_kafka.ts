import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type Broker, startBroker } from '../../runtime/embedded_kafka/broker.ts';
import { within } from './deadline.ts';
import { freePort } from './free_port.ts';
import { newDataDir } from './own_kafka.ts';
import { timed } from './times.ts';

const START_MS = 120_000;
const AUDIENCE = 'brokers';
const ISSUER = 'https://issuer.example';
const LISTENER = 'listener.name.tokens.';

/** What a client of the token server has to show. */
export const CLIENT = { id: 'gateway', secret: 'of the gateway' } as const;

/** A Kafka that asks for tokens, and ends connections whose token is over; and who makes these. */
export class TokenKafka implements AsyncDisposable {
  /** Of the plain listener, for the tests. */
  readonly brokers: string;
  /** Of the one that asks for tokens. */
  readonly secured: string;
  /** How long tokens last, in seconds. */
  readonly lasts: number;
  /** Whether the token server answers. */
  isUp = true;
  /** How many tokens it gave. */
  given = 0;
  readonly #server: Server;
  readonly #key: CryptoKey;
  readonly #dataDir: string;
  readonly #broker: Broker;

  static async start(lasts: number): Promise<TokenKafka> {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const dataDir = await newDataDir();
    const keys = join(dataDir, 'keys.json');
    const jwk = { ...(await exportJWK(publicKey)), kid: '1', alg: 'RS256', use: 'sig' };
    await writeFile(keys, JSON.stringify({ keys: [jwk] }));
    const [port, controllerPort, securedPort] = await Promise.all([
      freePort(),
      freePort(),
      freePort(),
    ]);
    const starting = startBroker({
      port,
      controllerPort,
      dataDir,
      properties: {
        listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort},TOKENS://127.0.0.1:${securedPort}`,
        'advertised.listeners': `PLAINTEXT://localhost:${port},TOKENS://localhost:${securedPort}`,
        'listener.security.protocol.map':
          'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TOKENS:SASL_PLAINTEXT',
        [`${LISTENER}sasl.enabled.mechanisms`]: 'OAUTHBEARER',
        [`${LISTENER}oauthbearer.sasl.jaas.config`]:
          'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;',
        [`${LISTENER}oauthbearer.sasl.server.callback.handler.class`]:
          'org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler',
        // Connections have to sign in again before their token is over.
        [`${LISTENER}oauthbearer.connections.max.reauth.ms`]: '3600000',
        'sasl.oauthbearer.jwks.endpoint.url': `${pathToFileURL(keys)}`,
        'sasl.oauthbearer.expected.audience': AUDIENCE,
        'sasl.oauthbearer.expected.issuer': ISSUER,
        'sasl.oauthbearer.clock.skew.seconds': '1',
      },
      jvmOptions: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${pathToFileURL(keys)}`],
      signal: AbortSignal.timeout(START_MS),
      onProgress: () => {},
    });
    const broker = await timed('kafka', 'with tokens', () =>
      within('a Kafka with tokens to start', starting, START_MS),
    );
    const kafka = new TokenKafka(lasts, privateKey, dataDir, broker, securedPort);
    await once(kafka.#server.listen(0, '127.0.0.1'), 'listening');
    return kafka;
  }

  private constructor(
    lasts: number,
    key: CryptoKey,
    dataDir: string,
    broker: Broker,
    securedPort: number,
  ) {
    this.lasts = lasts;
    this.#key = key;
    this.#dataDir = dataDir;
    this.#broker = broker;
    this.brokers = broker.brokers;
    this.secured = `localhost:${securedPort}`;
    this.#server = createServer(this.#answer);
  }

  /** Settings of a gateway that asks the token server. */
  get env(): Readonly<Record<string, string>> {
    return {
      KAFKA_BROKERS: this.secured,
      KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
      KAFKA_OAUTH_TOKEN_URL: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/token`,
      KAFKA_OAUTH_CLIENT_ID: CLIENT.id,
      KAFKA_OAUTH_CLIENT_SECRET: CLIENT.secret,
    };
  }

  /** A token as the brokers take it. */
  token(lasts = this.lasts): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: CLIENT.id, iat: now, exp: now + lasts })
      .setProtectedHeader({ alg: 'RS256', kid: '1' })
      .sign(this.#key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close().closeAllConnections();
    await this.#broker.kill();
    await rm(this.#dataDir, { recursive: true, force: true });
  }

  readonly #answer: RequestListener = async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    const form = new URLSearchParams(body);
    if (!this.isUp) {
      response.destroy();
    } else if (form.get('client_secret') !== CLIENT.secret) {
      response.writeHead(401).end('{"error":"invalid_client"}');
    } else {
      this.given++;
      const answer = { access_token: await this.token(), expires_in: this.lasts };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
    }
  };
}
