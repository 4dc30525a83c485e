import { renameSync, writeFileSync } from 'node:fs';
import type { TokenMaker } from './tokens.ts';

/** Before a token is over, one who looks at its time has another. */
const AHEAD_MS = 5000;

export interface PassOptions {
  readonly sub: string;
  readonly scope: string;
  /** For how long each of its tokens counts. */
  readonly seconds: number;
  /** Whether it is renewed by its time, too, and not by the gateway's word alone. */
  readonly isCareful: boolean;
}

/** The token of one client, and the next when that is over. */
export class Pass {
  readonly #maker: TokenMaker;
  readonly #options: PassOptions;
  #token: Promise<string> | null = null;
  #expiresAt = 0;
  #file: string | null = null;

  constructor(maker: TokenMaker, options: PassOptions) {
    this.#maker = maker;
    this.#options = options;
  }

  /** When the last token that it gave is over; Unix time in milliseconds. */
  get expiresAt(): number {
    return this.#expiresAt;
  }

  token(): Promise<string> {
    const { isCareful } = this.#options;
    if (isCareful && Date.now() > this.#expiresAt - AHEAD_MS) this.#token = null;
    this.#token ??= this.#make();
    return this.#token;
  }

  async headers(): Promise<{ authorization: string }> {
    return { authorization: `Bearer ${await this.token()}` };
  }

  /** The gateway does not take it any more. */
  renew(): void {
    this.#token = null;
    if (this.#file !== null) void this.#write(this.#file);
  }

  /** Keeps one that counts in a file, for a program that reads it there. */
  async keepIn(file: string, over: AbortSignal): Promise<void> {
    await this.#write(file);
    this.#file = file;
    const timer = setInterval(() => this.renew(), (this.#options.seconds * 1000) / 3);
    over.addEventListener('abort', () => clearInterval(timer));
  }

  async #write(file: string): Promise<void> {
    const token = await this.token();
    // Two of them may be under way at once: no pause between, and the name is this file's own.
    writeFileSync(`${file}.new`, token);
    renameSync(`${file}.new`, file);
  }

  #make(): Promise<string> {
    const { sub, scope, seconds } = this.#options;
    this.#expiresAt = Date.now() + seconds * 1000;
    return this.#maker.token({ sub, scope }, this.#expiresAt);
  }
}
