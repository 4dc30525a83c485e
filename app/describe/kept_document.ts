const encoder = new TextEncoder();

/**
 * A document as it was made last: made anew only where what it tells of is not the same any more. Of many
 * topics it is megabytes, and anybody may ask for it, as often as they like, and take nothing: all have
 * the same bytes.
 */
export class KeptDocument {
  #facts: readonly unknown[] | null = null;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  /** @param facts all that it is made of, as objects that do not change */
  of(facts: readonly unknown[], make: () => object): Uint8Array<ArrayBuffer> {
    const known = this.#facts;
    const isSame = known?.length === facts.length && facts.every((fact, n) => fact === known[n]);
    if (!isSame) {
      this.#bytes = encoder.encode(JSON.stringify(make()));
      this.#facts = facts;
    }
    return this.#bytes;
  }
}
