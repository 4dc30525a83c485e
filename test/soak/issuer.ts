import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import type { Random } from '../model/random.ts';
import { Authority } from '../support/authority.ts';
import { freePort } from '../support/free_port.ts';
import { Program } from '../support/program.ts';
import { AUDIENCE, TokenMaker } from './tokens.ts';

const SERVER = join(CLONE, 'test', 'soak', 'issuer_server.mjs');
const START_MS = 60_000;
/** Keys that it shows: that of the tokens from now on, and the one before. */
const SHOWN_KEYS = 2;
/** How long it answers, and how long it then does not. */
const MIN_TURN_MS = 3000;
const MAX_TURN_MS = 20_000;

/** What is wrong with a token, for one who must not be let in by it. */
export type TokenFault = 'a foreign key' | 'over' | 'another audience';

/**
 * Who makes the tokens of a soak. Its keys are known to gateways by a server with a certificate of
 * its own authority, which is away half the time.
 */
export class SoakIssuer implements AsyncDisposable {
  /** How often it went away, and how often its key was another. */
  readonly counts = { outages: 0, keys: 1 };
  /** Told of each key that tokens are signed with from now on. */
  onKey: (key: JWK) => void = () => {};
  readonly #folder: string;
  readonly #port: number;
  readonly #maker: TokenMaker;
  readonly #foreign: TokenMaker;
  #keys: readonly JWK[];
  #server: Program | null = null;

  static async start(parent: string): Promise<SoakIssuer> {
    const folder = join(parent, 'issuer');
    await mkdir(folder);
    const authority = await Authority.create();
    const { cert, key } = await authority.issue({ name: 'localhost' });
    const pem = { 'ca.pem': authority.cert, 'cert.pem': cert, 'key.pem': key };
    for (const [name, text] of Object.entries(pem)) await writeFile(join(folder, name), text);
    const keys = [await newKey('1'), await newKey('foreign')] as const;
    const issuer = new SoakIssuer(folder, await freePort(), ...keys);
    await issuer.#show();
    await issuer.#listen();
    return issuer;
  }

  private constructor(folder: string, port: number, key: JWK, foreign: JWK) {
    this.#folder = folder;
    this.#port = port;
    this.#keys = [key];
    this.#maker = new TokenMaker(this.url, key);
    this.#foreign = new TokenMaker(this.url, foreign);
  }

  get url(): string {
    return `https://localhost:${this.#port}`;
  }

  /** Settings of a gateway that takes its tokens. */
  get env(): Readonly<Record<string, string>> {
    const authority = join(this.#folder, 'ca.pem');
    return { JWT_ISSUER: this.url, JWT_AUDIENCE: AUDIENCE, CA_FILE: authority };
  }

  /** With which its tokens are signed now. */
  get key(): JWK {
    return this.#keys[0]!;
  }

  /** @param expiresAt Unix time in milliseconds */
  token(claims: object, expiresAt: number, fault: TokenFault | null = null): Promise<string> {
    const maker = fault === 'a foreign key' ? this.#foreign : this.#maker;
    const ends = fault === 'over' ? Date.now() - 1000 : expiresAt;
    return maker.token(claims, ends, fault === 'another audience' ? 'other' : AUDIENCE);
  }

  /** From now on its tokens are signed by another key. */
  async rotate(): Promise<void> {
    this.#keys = [await newKey(`${++this.counts.keys}`), ...this.#keys].slice(0, SHOWN_KEYS);
    await this.#show();
    this.#maker.use(this.key);
    this.onKey(this.key);
  }

  async #show(): Promise<void> {
    const file = join(this.#folder, 'keys.json');
    const keys = this.#keys.map(({ d, ...open }) => open);
    await writeFile(`${file}.new`, JSON.stringify({ keys }));
    await rename(`${file}.new`, file);
  }

  /** Is away half the time, gone or without a word, until the signal aborts; then it is there. */
  async comeAndGo(random: Random, signal: AbortSignal): Promise<void> {
    const turn = (): Promise<unknown> =>
      delay(random.between(MIN_TURN_MS, MAX_TURN_MS), undefined, { signal }).catch(() => {});
    while (!signal.aborted) {
      await turn();
      this.counts.outages++;
      if (random.chance(0.5)) {
        this.#server!.kill('SIGSTOP');
        await turn();
        this.#server!.kill('SIGCONT');
      } else {
        await this.#server![Symbol.asyncDispose]();
        await turn();
        await this.#listen();
      }
    }
  }

  async #listen(): Promise<void> {
    this.#server = new Program([process.execPath, SERVER, this.#folder, `${this.#port}`]);
    await this.#server.printed('listening', START_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }
}

/** A private one. */
async function newKey(kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg: 'ES256', use: 'sig' };
}
