import type { Header, KafkaRecord } from '../ports/source.ts';
import type { ReadValue, ValueReader } from '../ports/values.ts';
import type { ByteWriter } from './byte_writer.ts';
import { writeData } from './frame.ts';

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * All lines of a record's block but its id, with one JSON object as data. Bytes that are no UTF-8
 * stand in base64 under another name, so that every byte of key, value and headers arrives.
 * @param values reads the values of the topic; `null` where they are shown as they are
 */
export function writeJsonLines(
  out: ByteWriter,
  record: KafkaRecord,
  values: ValueReader | null,
): void {
  const { key, value, headers } = record;
  if (key === null && value === null) return;
  if (value === null) out.text('event:delete\n');
  writePlaceAndKey(out, record);
  out.text(',');
  if (value === null || values === null) writeMember(out, 'value', value);
  else writeValue(out, value, values.read(value, headers));
  if (headers.length > 0) {
    out.text(',"headers":[');
    for (const [index, header] of headers.entries()) {
      if (index > 0) out.text(',');
      writeHeader(out, header);
    }
    out.text(']');
  }
  out.text('}\n');
}

/**
 * The lines that tell a client that a key has left its view: a delete where its record is one. What else
 * is in the record is not for the client, so that it is left out, of a delete the headers, too.
 * @param record the key's newest, which is not for the client
 */
export function writeJsonLeave(out: ByteWriter, record: KafkaRecord): void {
  out.text(record.value === null ? 'event:delete\n' : 'event:leave\n');
  writePlaceAndKey(out, record);
  out.text(record.value === null ? ',"value":null}\n' : '}\n');
}

function writePlaceAndKey(
  out: ByteWriter,
  { partition, offset, timestamp, key }: KafkaRecord,
): void {
  out.text(`data:{"partition":${partition},"offset":${offset},"timestamp":${timestamp},`);
  writeMember(out, 'key', key);
}

function writeValue(out: ByteWriter, value: Uint8Array, { json, schema, error }: ReadValue): void {
  if (json === null) writeMember(out, 'value', value);
  else {
    out.text('"value":');
    writeData(out, json);
  }
  if (error !== null) out.text(`,"error":${JSON.stringify(error)}`);
  else if (schema !== null) out.text(`,"schema":${JSON.stringify(schema)}`);
}

function writeMember(out: ByteWriter, name: 'key' | 'value', bytes: Uint8Array | null): void {
  const text = bytes === null ? null : decode(bytes);
  if (bytes !== null && text === null) {
    out.text(`"${name}Base64":"`);
    out.base64(bytes);
    out.text('"');
  } else {
    out.text(`"${name}":${JSON.stringify(text)}`);
  }
}

function writeHeader(out: ByteWriter, [name, value]: Header): void {
  const text = value === null ? null : decode(value);
  out.text(`[${JSON.stringify(name)},${JSON.stringify(text)}`);
  if (value !== null && text === null) {
    out.text(',"');
    out.base64(value);
    out.text('"');
  }
  out.text(']');
}

/** @returns `null` for bytes that are no UTF-8. */
function decode(bytes: Uint8Array): string | null {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return null;
  }
}
