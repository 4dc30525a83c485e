import { Http2ServerResponse } from 'node:http2';

/** What may wait for the kernel on one connection, in bytes, before its streams are held back. */
const MAX_QUEUED_BYTES = 256 * 1024;

/**
 * A response over HTTP/2 that has room for more only while its connection takes what there is. Node
 * sees to that by itself. Deno takes all that the client's window allows into memory, and a client
 * may announce 2 GB and then read nothing.
 */
export class Http2Response extends Http2ServerResponse {
  override write(...args: unknown[]): boolean {
    return super.write(...(args as [Uint8Array])) && !this.#waits();
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'drain' && this.#waits()) return false;
    return super.emit(event, ...args);
  }

  /** Whether the connection has too much; where it has, there is a `drain` later. */
  #waits(): boolean {
    const socket = this.stream.session?.socket;
    if (socket === undefined || socket.writableLength < MAX_QUEUED_BYTES) return false;
    // Each of its streams may wait.
    socket.setMaxListeners(0);
    socket.once('drain', () => this.emit('drain'));
    return true;
  }
}
