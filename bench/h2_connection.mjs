/** Types of frames: https://www.rfc-editor.org/rfc/rfc9113#section-6. */
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;

const ACK = 1;
const END_STREAM = 1;
const END_HEADERS = 4;
const HEAD_BYTES = 9;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
/** Of nobody here so much is read that it would have to be made larger. */
const LARGEST_WINDOW = 2 ** 31 - 1;
const FIRST_WINDOW = 65_535;
const INITIAL_WINDOW_SIZE = 4;

/**
 * What is read of a stream.
 *
 * @typedef {object} H2Stream
 * @property {string} path
 * @property {Record<string, string>} headers by names in lower case
 * @property {(isOk: boolean) => void} onHead
 * @property {(bytes: Buffer) => void} onData
 * @property {() => void} onClose
 */

/** One connection with many streams that never end: of Node's own client each would take 10 kB. */
export class H2Connection {
  #socket;
  #streams;
  #rest = Buffer.alloc(0);

  /**
   * @param {import('node:net').Socket} socket
   * @param {string} host
   * @param {readonly H2Stream[]} streams
   */
  constructor(socket, host, streams) {
    this.#streams = streams;
    this.#socket = socket;
    this.#socket.on('error', () => {});
    this.#socket.on('data', (bytes) => this.#read(bytes));
    this.#socket.on('close', () => {
      for (const stream of streams) stream.onClose();
    });
    this.#socket.write(
      Buffer.concat([
        PREFACE,
        frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW_SIZE, LARGEST_WINDOW)),
        frame(WINDOW_UPDATE, 0, 0, uint32(LARGEST_WINDOW - FIRST_WINDOW)),
        ...streams.map((stream, n) =>
          frame(HEADERS, END_STREAM | END_HEADERS, 2 * n + 1, requestHead(host, stream)),
        ),
      ]),
    );
  }

  end() {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  /** @param {Buffer} bytes */
  #read(bytes) {
    let all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (all.length >= HEAD_BYTES) {
      const end = HEAD_BYTES + all.readUIntBE(0, 3);
      if (all.length < end) break;
      this.#take(all[3] ?? 0, all[4] ?? 0, all.readUInt32BE(5), all.subarray(HEAD_BYTES, end));
      all = all.subarray(end);
    }
    this.#rest = Buffer.from(all);
  }

  /**
   * @param {number} type
   * @param {number} flags
   * @param {number} id
   * @param {Buffer} payload
   */
  #take(type, flags, id, payload) {
    const stream = this.#streams[(id - 1) / 2];
    if (type === DATA) {
      stream?.onData(payload);
      if ((flags & END_STREAM) !== 0) stream?.onClose();
    } else if (type === HEADERS) stream?.onHead(isOk(payload));
    else if (type === RST_STREAM) stream?.onClose();
    else if (type === GOAWAY) this.#socket.destroy();
    else if (type === SETTINGS && flags !== ACK) this.#socket.write(frame(SETTINGS, ACK, 0));
    else if (type === PING && flags !== ACK) this.#socket.write(frame(PING, ACK, 0, payload));
  }
}

/**
 * @param {number} type
 * @param {number} flags
 * @param {number} stream
 * @param {Uint8Array} [payload]
 */
function frame(type, flags, stream, payload = new Uint8Array(0)) {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** @param {number} value */
function uint32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** @param {number} name @param {number} value */
function setting(name, value) {
  return Buffer.concat([Buffer.from([0, name]), uint32(value)]);
}

/**
 * The head of a GET, in HPACK without its tables: https://www.rfc-editor.org/rfc/rfc7541#section-6.2.2
 *
 * @param {string} host
 * @param {Pick<H2Stream, 'path' | 'headers'>} stream
 */
function requestHead(host, { path, headers }) {
  /** @param {string} value */
  const text = (value) => {
    const bytes = Buffer.from(value);
    return Buffer.concat([lengthOf(bytes.length), bytes]);
  };
  return Buffer.concat([
    // :method GET, :scheme https, :path, :authority
    Buffer.from([0x82, 0x87, 0x04]),
    text(path),
    Buffer.from([0x01]),
    text(host),
    ...Object.entries(headers).flatMap(([name, value]) => [
      Buffer.from([0x00]),
      text(name),
      text(value),
    ]),
  ]);
}

/** As a number of seven bits and more: https://www.rfc-editor.org/rfc/rfc7541#section-5.1 @param {number} length */
function lengthOf(length) {
  if (length < 127) return Buffer.from([length]);
  const bytes = [127];
  let left = length - 127;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  return Buffer.from([...bytes, left]);
}

/** Whether the head of an answer begins with `:status 200`, which all servers write by the static table. @param {Buffer} head */
function isOk(head) {
  // A table may be given another size before.
  const at = head.findIndex((byte) => (byte & 0xe0) !== 0x20);
  return head[at] === 0x88;
}
