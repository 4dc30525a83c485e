import type { Traffic } from './traffic.ts';

/** Bytes of a topic. */
export type Share = readonly [traffic: Traffic, bytes: number];

/** What of the bytes that are to be handed to one client is of which topic. */
export class Shares {
  /** One a topic: of however many blocks, and in whatever order, the sums are what is counted. */
  #shares: [traffic: Traffic, bytes: number][] = [];

  add(traffic: Traffic, bytes: number): void {
    if (bytes === 0) return;
    const share = this.#shares.find(([one]) => one === traffic);
    if (share === undefined) this.#shares.push([traffic, bytes]);
    else share[1] += bytes;
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
      const share = this.#shares[0]!;
      const [traffic, all] = share;
      const part = Math.min(all, plainLeft);
      if (part === all) this.#shares.shift();
      else share[1] -= part;
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
