import type { KafkaRecord } from '../../app/ports/source.ts';
import type { Block } from './sse_parser.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

type EventAndData = Pick<Block, 'event' | 'data'>;

const known = {
  text: new WeakMap<KafkaRecord, EventAndData>(),
  json: new WeakMap<KafkaRecord, EventAndData>(),
};

/** The event and data that the contract gives a record in a format. */
export function expectedBlock(record: KafkaRecord, format: 'text' | 'json'): EventAndData {
  let block = known[format].get(record);
  if (block === undefined) {
    block = make(record, format);
    known[format].set(record, block);
  }
  return block;
}

/** The same for a record that is not for a client, of a key that it may have; its key is not null. */
export function expectedLeave(record: KafkaRecord, format: 'text' | 'json'): EventAndData {
  const event = record.value === null ? 'delete' : 'leave';
  if (format === 'text') return { event, data: make({ ...record, value: null }, 'text').data };
  const { partition, offset, timestamp, key, value } = record;
  const rest = value === null ? { value } : {};
  const data = JSON.stringify({ partition, offset, timestamp, ...member('key', key), ...rest });
  return { event, data };
}

function make(record: KafkaRecord, format: 'text' | 'json'): EventAndData {
  const { key, value } = record;
  if (key === null && value === null) return { event: 'message', data: null };
  const event = value === null ? 'delete' : 'message';
  if (format === 'json') return { event, data: expectedJson(record) };
  if (value !== null) return { event, data: lenient.decode(value).replace(/\r\n?/g, '\n') };
  const text = Buffer.from(key!).toString('base64url');
  return { event, data: text.padEnd(Math.ceil(text.length / 4) * 4, '=') };
}

function expectedJson({ partition, offset, timestamp, key, value, headers }: KafkaRecord): string {
  return JSON.stringify({
    partition,
    offset,
    timestamp,
    ...member('key', key),
    ...member('value', value),
    ...(headers.length === 0
      ? {}
      : {
          headers: headers.map(([name, bytes]) => {
            const text = bytes === null ? null : decode(bytes);
            return bytes !== null && text === null
              ? [name, null, Buffer.from(bytes).toString('base64')]
              : [name, text];
          }),
        }),
  });
}

function member(name: string, bytes: Uint8Array | null): Record<string, string | null> {
  if (bytes === null) return { [name]: null };
  const text = decode(bytes);
  return text === null
    ? { [`${name}Base64`]: Buffer.from(bytes).toString('base64') }
    : { [name]: text };
}

function decode(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}
