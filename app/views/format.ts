import type { KafkaRecord } from '../ports/source.ts';
import type { ValueReader } from '../ports/values.ts';
import type { ByteWriter } from '../wire/byte_writer.ts';
import { writeTextLeave, writeTextLines } from '../wire/frame.ts';
import { writeJsonLeave, writeJsonLines } from '../wire/json_frame.ts';

/** How a record becomes the lines of its block, all but the id. */
export interface Format {
  readonly name: string;
  /** Whether a client is told when it has all that was there when it came. */
  readonly announcesLive: boolean;
  writeLines(out: ByteWriter, record: KafkaRecord, values: ValueReader | null): void;
  /** The same for a record that is not for a client, of a key that it may have. */
  writeLeave(out: ByteWriter, record: KafkaRecord): void;
}

/** `?format=text`, the default: the value as it is. */
export const TEXT: Format = {
  name: 'text',
  announcesLive: false,
  writeLines: writeTextLines,
  writeLeave: writeTextLeave,
};

/** `?format=json`: one object a record, with key, headers and where it stands. */
const JSON_FORMAT: Format = {
  name: 'json',
  announcesLive: true,
  writeLines: writeJsonLines,
  writeLeave: writeJsonLeave,
};

export const FORMATS: readonly Format[] = [TEXT, JSON_FORMAT];

/** What `format` takes, in words for an answer. */
export const FORMAT_NAMES: string = FORMATS.map(({ name }) => `"${name}"`).join(' or ');

/** @returns `undefined` for a name that is no format. */
export function formatByName(name: string): Format | undefined {
  return FORMATS.find((format) => format.name === name);
}
