import { type ClientHttp2Session, connect } from 'node:http2';
import { within } from './deadline.ts';

/** A connection of HTTP/2 that trusts any certificate. */
export class H2Session implements AsyncDisposable {
  readonly session: ClientHttp2Session;
  /** Settles with the code of the first GOAWAY. */
  readonly goaway: Promise<number>;
  /** Settles when the connection is over. */
  readonly over: Promise<void>;

  /** @param window bytes that it takes ahead of its readers, of each stream and of all */
  constructor(origin: string, window: number | null = null) {
    this.session = connect(origin, {
      settings: window === null ? {} : { initialWindowSize: window },
      rejectUnauthorized: false,
      // Heads that are too large are sent as well.
      maxSendHeaderBlockLength: 2 ** 20,
    });
    this.session.on('error', () => {});
    if (window !== null) {
      this.session.once('remoteSettings', () => this.session.setLocalWindowSize(window));
    }
    this.goaway = new Promise((resolve) => this.session.on('goaway', resolve));
    this.over = new Promise((resolve) => this.session.on('close', resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session.destroy();
    await within('the end of an HTTP/2 connection', this.over);
  }
}
