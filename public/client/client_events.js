/** Events whose data is JSON in every format. */
export const TOLD = ['gap', 'live', 'stale', 'fresh', 'expired', 'unauthorized'];

/** `detail` is decoded once somebody asks for it. */
export class StreamEvent extends MessageEvent {
  #isJson;
  #detail;

  constructor(type, init, isJson) {
    super(type, init);
    this.#isJson = isJson;
  }

  get detail() {
    this.#detail ??= detailOf(this.type, this.data, this.#isJson);
    return this.#detail;
  }
}

function detailOf(type, data, isJson) {
  if (TOLD.includes(type)) return JSON.parse(data);
  if (!isJson) return type === 'delete' ? { key: textOf(bytesOf(data)) } : null;
  const { keyBase64, valueBase64, headers = [], ...record } = JSON.parse(data);
  if (keyBase64 !== undefined) record.key = bytesOf(keyBase64);
  if (valueBase64 !== undefined) record.value = bytesOf(valueBase64);
  record.headers = headers.map(([name, value, base64]) => [name, base64 ? bytesOf(base64) : value]);
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
export function addHandlers(target, types) {
  for (const type of types) {
    target[`on${type}`] = null;
    target.addEventListener(type, (event) => target[`on${type}`]?.(event));
  }
}
