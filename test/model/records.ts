import type { KafkaRecord } from '../../app/ports/source.ts';
import type { Random } from './random.ts';

/** Of what kind the records of a scenario are. */
export interface RecordOptions {
  readonly keys: number;
  readonly maxValueBytes: number;
  /** Part of the records that are tombstones. */
  readonly tombstones: number;
}

const HOSTILE_VALUES = [
  '',
  ' ',
  '\n',
  'a\rb\r\nc\nd',
  '\n\nid:AAAA\n\n',
  ' leading',
  '\ufeffbom',
  'zwei Zöpfe 🎉',
  '\r\r',
].map((text) => Buffer.from(text));
const NOT_UTF8 = Uint8Array.of(0xff, 0x00, 0xc3, 0x28, 0x0a, 0x20);

/** Makes records of which no two have the same content, but for a few hostile ones. */
export class Records {
  readonly #random: Random;
  readonly #options: RecordOptions;
  #serial = 0;

  constructor(random: Random, options: RecordOptions) {
    this.#random = random;
    this.#options = options;
  }

  next(partition: number, offset: number, now: number): KafkaRecord {
    const random = this.#random;
    // Out of order, as producers' clocks are.
    const timestamp = Math.floor(now) - (random.chance(0.2) ? random.between(0, 5000) : 0);
    return {
      partition,
      offset,
      timestamp: random.chance(0.01) ? -1 : timestamp,
      key: this.#key(),
      value: random.chance(this.#options.tombstones) ? null : this.#value(),
      headers: [
        ...(random.chance(0.1) ? this.#headers() : []),
        ...(random.chance(0.4) ? this.#kinds() : []),
      ],
    };
  }

  #key(): Uint8Array | null {
    const random = this.#random;
    if (random.chance(0.03)) return null;
    const number = random.between(1, this.#options.keys);
    return number === 1 ? NOT_UTF8 : Buffer.from(`k${number}`);
  }

  #value(): Uint8Array {
    const random = this.#random;
    const serial = `v${++this.#serial}`;
    if (random.chance(0.03)) return random.pick([...HOSTILE_VALUES, NOT_UTF8]);
    if (random.chance(0.02)) return Buffer.from(` ${serial}\nsecond line of ${serial}`);
    if (random.chance(0.4)) return this.#json(serial);
    const padding = Math.floor(random.next() ** 3 * this.#options.maxValueBytes);
    return Buffer.from(serial.padEnd(padding, '.'));
  }

  #json(serial: string): Uint8Array {
    const random = this.#random;
    const kind = random.pick(['a', 'b', '1', 1, null, ['a'], undefined]);
    const content = { serial, of: { kind }, size: random.between(1, 9) };
    return Buffer.from(JSON.stringify(content, null, random.pick([0, 1])));
  }

  /** The last of a name counts. */
  #kinds(): KafkaRecord['headers'] {
    const count = this.#random.pick([1, 1, 1, 2]);
    return Array.from({ length: count }, () => {
      const value = this.#random.pick(['a', 'b', null]);
      return ['kind', value === null ? null : Buffer.from(value)] as const;
    });
  }

  #headers(): KafkaRecord['headers'] {
    return [
      ['etag', Buffer.from(`r${this.#serial}`)],
      ['etag', null],
      ['bytes', NOT_UTF8],
    ];
  }
}
