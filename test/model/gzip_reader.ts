import { Gunzip } from 'minizlib';
import type { GzipMember } from '../../app/compression/gzip_member.ts';
import type { ClientStream } from '../../app/stretches/client_stream.ts';

/** The way of a compressed client's bytes: compressed by the gateway, decoded as a browser does it. */
export class GzipReader {
  readonly #member: GzipMember;
  readonly #gunzip = new Gunzip({});
  #out: Uint8Array[] = [];

  constructor(member: GzipMember) {
    this.#member = member;
    this.#gunzip.on('data', (bytes) => this.#out.push(bytes));
  }

  /** What is sent for an array that was just taken. */
  sent(plain: Uint8Array, { isShared }: ClientStream): Uint8Array {
    return this.#member.add(plain, isShared);
  }

  /**
   * What can be read once these bytes have come.
   * @param whole all that was sent, where none of it was cut off: it has to be there at once
   */
  read(arrived: Uint8Array, whole: Uint8Array | null): Uint8Array {
    this.#out = [];
    if (arrived.length > 0) this.#gunzip.write(Buffer.from(arrived));
    const read = Buffer.concat(this.#out);
    if (whole !== null && !read.equals(whole)) {
      throw new Error(`compressed ${show(whole)} is read as ${show(read)}`);
    }
    return read;
  }

  /** The stream is over: checksum and length are looked at. */
  end(): void {
    this.#gunzip.write(Buffer.from(this.#member.end()!));
  }

  close(): void {
    this.#member.close();
    this.#gunzip.close();
  }
}

function show(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes).toString('utf8').slice(0, 200));
}
