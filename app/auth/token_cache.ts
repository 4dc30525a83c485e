import type { Identity } from './identity.ts';

/** Some 16,000 tokens of 1 kB, in two halves. */
const MAX_CHARACTERS = 2 ** 24;

/**
 * Tokens that were verified, by their text: to verify one takes 0.1 to 0.6 ms of a core, and after
 * a restart all clients come at once. Those that were not asked for leave first: once the newer half
 * is full, the older one goes. (One look-up each: to keep them in order took three, each as long as
 * the token.)
 */
export class TokenCache {
  #newer = new Map<string, Identity>();
  #older = new Map<string, Identity>();
  /** Of the newer ones. */
  #characters = 0;

  get(token: string): Identity | undefined {
    const identity = this.#newer.get(token);
    if (identity !== undefined) return identity;
    const before = this.#older.get(token);
    if (before !== undefined) this.set(token, before);
    return before;
  }

  set(token: string, identity: Identity): void {
    if (!this.#newer.has(token)) this.#characters += token.length;
    this.#newer.set(token, identity);
    if (this.#characters <= MAX_CHARACTERS / 2) return;
    this.#older = this.#newer;
    this.#newer = new Map();
    this.#characters = 0;
  }

  delete(token: string): void {
    this.#older.delete(token);
    if (this.#newer.delete(token)) this.#characters -= token.length;
  }

  /** Once other keys count. */
  clear(): void {
    this.#newer.clear();
    this.#older.clear();
    this.#characters = 0;
  }
}
