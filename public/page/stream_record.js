/**
 * A record of the stream, or what the stream says of itself, ready to be shown.
 *
 * @typedef {object} StreamRecord
 * @property {'message' | 'delete' | 'leave' | 'gap'} kind
 * @property {number} number counts what came, from 1
 * @property {number} received Unix milliseconds
 * @property {string | null} topic where the stream is of several; of a gap always
 * @property {number | null} timestamp of the record; null where the stream does not tell
 * @property {number | null} partition
 * @property {number | null} offset
 * @property {string | null | undefined} key null: the record has none; undefined: not told
 * @property {boolean} isBinaryKey the key stands in base64
 * @property {string} value of a delete, a leave or a gap: words
 * @property {boolean} isBinaryValue
 * @property {boolean} isDecoded the value came as JSON; which bytes it has is not told
 * @property {number | string | null} schema that the value was written with
 * @property {string} error why the value could not be read; empty where it was, or is not read
 * @property {readonly (readonly [name: string, value: string | null, base64?: string])[]} headers
 * @property {string} id the last id of the stream with this record
 * @property {string} reason of a gap
 */

/** How the object around a record begins; of several topics with the name of its own. */
const ENVELOPE = /^\{(?:"topic":"[^"]*",)?"partition":/;

/** What a gap's reason means to a reader. */
const GAP_REASONS = new Map([
  ['retention', 'Kafka had deleted records before they could be sent'],
  ['recreated', 'the topic was deleted and created anew; it starts over'],
  ['truncated', 'the end of the topic was cut off'],
  ['deletes', 'deletes may be gone that were never sent; the topic starts over'],
  ['view', 'keys may have left that were told of before; the topic starts over'],
  ['unread', 'the schema of values could not be had that the filter asks for'],
  ['unreadable-cursor', 'the last id could not be read; the topic starts over'],
]);

/**
 * Reads an event of a stream, with `format=json` or without.
 * @param {'message' | 'delete' | 'leave' | 'gap'} kind the event's name
 * @param {string} data
 * @param {{ number: number, received: number, id: string }} arrival
 * @returns {StreamRecord}
 */
export function readRecord(kind, data, arrival) {
  /** @type {StreamRecord} */
  const plain = {
    kind,
    ...arrival,
    topic: null,
    timestamp: null,
    partition: null,
    offset: null,
    key: undefined,
    isBinaryKey: false,
    value: data,
    isBinaryValue: false,
    isDecoded: false,
    schema: null,
    error: '',
    headers: [],
    reason: '',
  };
  if (kind === 'gap') return { ...plain, ...readGap(data) };
  const object = readEnvelope(data, kind === 'leave');
  const record = object === null ? plain : { ...plain, ...fieldsOf(object, data) };
  if (kind === 'message') return record;
  if (object === null) Object.assign(record, keyOfText(data));
  const what = kind === 'leave' ? 'Matches no more' : 'Deleted';
  return { ...record, value: `${what}: key ${record.key ?? 'none'}` };
}

/** @param {string} json */
function readGap(json) {
  try {
    const { reason, topic, partitions } = JSON.parse(json);
    const places = partitions.map(
      (/** @type {{ partition: number, from: number, to: number }} */ { partition, from, to }) =>
        `partition ${partition} goes on at ${to} instead of ${from}`,
    );
    const words = GAP_REASONS.get(reason) ?? reason;
    return { reason, topic, value: [`Gap in ${topic}: ${words}`, ...places].join('\n') };
  } catch {
    return { value: `Gap: ${json}` };
  }
}

/**
 * The object around a record, or null where the data is the value itself: it may be JSON, too.
 * @param {string} data
 * @param {boolean} isLeave then it has no value
 */
function readEnvelope(data, isLeave) {
  if (!ENVELOPE.test(data)) return null;
  try {
    const object = JSON.parse(data);
    const { partition, offset, timestamp } = object;
    const isRecord = [partition, offset, timestamp].every((one) => typeof one === 'number');
    const hasValue = isLeave || 'value' in object || 'valueBase64' in object;
    return isRecord && hasValue ? object : null;
  } catch {
    return null;
  }
}

/**
 * @param {any} object
 * @param {string} data
 */
function fieldsOf(object, data) {
  const { partition, offset, timestamp, key, keyBase64, value, valueBase64, headers } = object;
  const { topic = null, schema = null, error = '' } = object;
  return {
    topic,
    partition,
    offset,
    timestamp,
    key: keyBase64 ?? key ?? null,
    isBinaryKey: keyBase64 !== undefined,
    value: valueBase64 ?? (typeof value === 'string' ? value : jsonIn(data)),
    isBinaryValue: valueBase64 !== undefined,
    isDecoded: valueBase64 === undefined && typeof value !== 'string',
    schema,
    error,
    headers: headers ?? [],
  };
}

/**
 * The value of a topic whose values are JSON, as text. Its numbers keep their digits, where the
 * browser can tell them.
 * @param {string} data
 */
function jsonIn(data) {
  const { rawJSON } = /** @type {{ rawJSON?: (text: string) => unknown }} */ (JSON);
  const exact = (
    /** @type {string} */ _,
    /** @type {unknown} */ value,
    /** @type {{ source?: string } | undefined} */ context,
  ) => {
    const source = typeof value === 'number' ? context?.source : undefined;
    return source === undefined || rawJSON === undefined ? value : rawJSON(source);
  };
  return JSON.stringify(JSON.parse(data, /** @type {any} */ (exact)).value);
}

/**
 * A key as text where its bytes are UTF-8, else as it came: base64url.
 * @param {string} base64url
 */
function keyOfText(base64url) {
  try {
    const binary = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return { key: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { key: base64url, isBinaryKey: true };
  }
}
