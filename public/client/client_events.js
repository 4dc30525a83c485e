/** Events of the connection, whose data is JSON in every format. */
export const TOLD = ['gap', 'live', 'stale', 'fresh', 'expired', 'unauthorized'];
/** Events of the topic. */
export const RECORDS = ['message', 'delete', 'leave'];
/** The stream goes on as for a new client. */
const STARTS_OVER = ['recreated', 'unreadable-cursor', 'deletes', 'view'];

/** `detail` is decoded once somebody asks for it. */
export class StreamEvent extends MessageEvent {
  #isJson;
  #parse;
  #detail;

  constructor(type, init, isJson, parse) {
    super(type, init);
    this.#isJson = isJson;
    this.#parse = parse;
  }

  get detail() {
    this.#detail ??= detailOf(this.type, this.data, this.#isJson, this.#parse);
    return this.#detail;
  }
}

export function startsOver({ reason }) {
  return STARTS_OVER.includes(reason);
}

function detailOf(type, data, isJson, parse) {
  if (TOLD.includes(type)) return JSON.parse(data);
  if (!isJson && type !== 'message') return { key: textOf(bytesOf(data)) };
  if (!isJson) throw new TypeError("`detail` needs format: 'json'; see `data`");
  const { keyBase64, valueBase64, headers = [], ...record } = JSON.parse(data);
  if (keyBase64 !== undefined) record.key = bytesOf(keyBase64);
  if (valueBase64 !== undefined) record.value = bytesOf(valueBase64);
  record.headers = headers.map(([name, value, base64]) => [name, base64 ? bytesOf(base64) : value]);
  if (parse && !record.error && (record.value ?? null) !== null) {
    try {
      record.value = parse(record.value);
    } catch (error) {
      // As of a value that the gateway cannot read.
      record.error = `${error}`;
    }
  }
  return record;
}

function bytesOf(base64) {
  const binary = atob(base64.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** The bytes themselves where they are no UTF-8. */
function textOf(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return bytes;
  }
}

/** `onmessage` and so on, as an EventSource has them. */
export function addHandlers(target) {
  for (const type of ['open', 'error', 'statuschange', ...RECORDS, ...TOLD]) {
    target[`on${type}`] = null;
    target.addEventListener(type, (event) => target[`on${type}`]?.(event));
  }
}
