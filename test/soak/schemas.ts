import { Buffer } from 'node:buffer';
import { numberOf } from './values.ts';

/** What Kafka gets of a value, and what a client is shown of it; `null` in a tombstone. */
export interface Value {
  readonly bytes: Uint8Array | null;
  readonly shown: string | null;
}

/** A schema that the registry has. */
export class Schema {
  readonly #id: number;
  readonly #number: number;

  constructor(id: number, number: number) {
    this.#id = id;
    this.#number = number;
  }

  /** Avro; each number's is another one. */
  static text(number: number): string {
    const fields = [
      { name: 'text', type: 'string' },
      { name: 'n', type: 'long' },
      { name: `of${number}`, type: ['null', 'string'] },
    ];
    return JSON.stringify({ type: 'record', name: `Note${number}`, fields });
  }

  /** As Confluent's serializers write it, and its JSON. */
  write(serial: number, text: string): Value {
    const own = serial % 2 === 0 ? null : `${this.#number}`;
    const head = Buffer.alloc(5);
    head.writeUInt32BE(this.#id, 1);
    const branch = own === null ? [zigzag(0)] : [zigzag(1), avroText(own)];
    return {
      bytes: Buffer.concat([head, avroText(text), zigzag(numberOf(serial)), ...branch]),
      shown: JSON.stringify({ text, n: numberOf(serial), [`of${this.#number}`]: own }),
    };
  }
}

/** Where the producer has its schemas from. */
export interface Schemas {
  /** That of the next record. */
  next(): Schema;
}

function avroText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([zigzag(bytes.length), bytes]);
}

/** Of numbers below 2^30. */
function zigzag(number: number): Buffer {
  const bytes: number[] = [];
  let left = number * 2;
  for (; left >= 128; left >>>= 7) bytes.push((left & 127) | 128);
  return Buffer.from([...bytes, left]);
}
