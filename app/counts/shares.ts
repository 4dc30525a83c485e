import type { Traffic } from './traffic.ts';

/** Bytes of a topic. */
export type Share = readonly [traffic: Traffic, bytes: number];

/** What of the bytes that are to be handed to one client is of which topic. */
export class Shares {
  /** In the order in which they are handed over. */
  #shares: Share[] = [];

  add(traffic: Traffic, bytes: number): void {
    if (bytes > 0) this.#shares.push([traffic, bytes]);
  }

  /** Those that were added since, which are forgotten here. */
  take(): readonly Share[] {
    const shares = this.#shares;
    this.#shares = [];
    return shares;
  }

  /**
   * Counts what was handed over.
   * @param bytes as they were sent
   * @param plain how many they are to the client
   * @param rest to which topic belongs what is of none, such as a heartbeat
   */
  hand(bytes: number, plain: number, rest: Traffic): void {
    let [bytesLeft, plainLeft] = [bytes, plain];
    while (plainLeft > 0 && this.#shares.length > 0) {
      const [traffic, share] = this.#shares[0]!;
      const part = Math.min(share, plainLeft);
      if (part === share) this.#shares.shift();
      else this.#shares[0] = [traffic, share - part];
      const sent = Math.floor((bytes * part) / plain);
      traffic.bytesSent += sent;
      traffic.plainBytesSent += part;
      bytesLeft -= sent;
      plainLeft -= part;
    }
    rest.bytesSent += bytesLeft;
    rest.plainBytesSent += plainLeft;
  }
}
