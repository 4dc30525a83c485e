import { describe, expect, test } from '@jest/globals';
import type { ReadValue, ValueReader } from '../ports/values.ts';
import { ByteWriter } from './byte_writer.ts';
import { writeTextLines } from './frame.ts';
import { writeJsonLines } from './json_frame.ts';

const encoder = new TextEncoder();
const RECORD = { partition: 0, offset: 5, timestamp: 1, key: null, headers: [] };

/** Reads every value as the same. */
function reader(read: Partial<ReadValue>, isBinary = false): ValueReader {
  return { isBinary, read: () => ({ json: null, schema: null, error: null, ...read }) };
}

function lines(
  write: typeof writeJsonLines,
  value: string | Uint8Array | null,
  values: ValueReader | null,
): string {
  const out = new ByteWriter(16);
  const bytes = typeof value === 'string' ? encoder.encode(value) : value;
  write(out, { ...RECORD, value: bytes }, values);
  return new TextDecoder().decode(out.view());
}

describe('writeJsonLines()', () => {
  const start = 'data:{"partition":0,"offset":5,"timestamp":1,"key":null,';

  test('writeJsonLines() writes the JSON of a value that can be read, and the schema', () => {
    const json = encoder.encode('{"a":"é"}');
    expect(lines(writeJsonLines, 'x', reader({ json }))).toBe(`${start}"value":{"a":"é"}}\n`);
    expect(lines(writeJsonLines, 'x', reader({ json, schema: 7 }))).toBe(
      `${start}"value":{"a":"é"},"schema":7}\n`,
    );
    expect(lines(writeJsonLines, 'x', reader({ json, schema: 'a-b' }))).toBe(
      `${start}"value":{"a":"é"},"schema":"a-b"}\n`,
    );
  });

  test('writeJsonLines() writes JSON of several lines on lines of data', () => {
    const json = encoder.encode('{\r\n "a":\r[\n\n1]}');
    expect(lines(writeJsonLines, 'x', reader({ json }))).toBe(
      `${start}"value":{\ndata:  "a":\ndata:[\ndata:\ndata:1]}}\n`,
    );
  });

  test('writeJsonLines() writes what cannot be read as bytes, and why right behind it', () => {
    const values = reader({ error: 'not "JSON"' });
    expect(lines(writeJsonLines, 'x', values)).toBe(
      `${start}"value":"x","error":"not \\"JSON\\""}\n`,
    );
    expect(lines(writeJsonLines, Uint8Array.of(0xff), values)).toBe(
      `${start}"valueBase64":"/w==","error":"not \\"JSON\\""}\n`,
    );
    expect(lines(writeJsonLines, null, values)).toBe('');
  });

  test('writeTextLines() writes the JSON where the bytes are no text, else the value', () => {
    const json = encoder.encode('{}');
    expect(lines(writeTextLines, ' x', reader({ json }))).toBe('data:  x\n');
    expect(lines(writeTextLines, ' x', reader({ json }, true))).toBe('data:{}\n');
    expect(lines(writeTextLines, ' x', reader({ error: 'x' }, true))).toBe('data:  x\n');
  });
});
