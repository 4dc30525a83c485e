import type { Identity } from './identity.ts';

/** Some 16,000 tokens of 1 kB. */
const MAX_CHARACTERS = 2 ** 24;

/**
 * Tokens that were verified, by their text: to verify one takes 0.1 to 0.6 ms of a core, and after
 * a restart all clients come at once. The longest unused leave first.
 */
export class TokenCache {
  readonly #identities = new Map<string, Identity>();
  #characters = 0;

  get(token: string): Identity | undefined {
    const identity = this.#identities.get(token);
    if (identity === undefined) return undefined;
    // Moved to the end.
    this.#identities.delete(token);
    this.#identities.set(token, identity);
    return identity;
  }

  set(token: string, identity: Identity): void {
    this.delete(token);
    this.#identities.set(token, identity);
    this.#characters += token.length;
    for (const oldest of this.#identities.keys()) {
      if (this.#characters <= MAX_CHARACTERS) return;
      this.delete(oldest);
    }
  }

  delete(token: string): void {
    if (this.#identities.delete(token)) this.#characters -= token.length;
  }

  /** Once other keys count. */
  clear(): void {
    this.#identities.clear();
    this.#characters = 0;
  }
}
