/** Names that are offered, and how deep they lie. */
const MAX_FIELDS = 60;
const MAX_DEPTH = 3;
/** A longer value is not read for the sake of a line. */
const MAX_LENGTH = 100_000;

/**
 * The fields of JSON values, as `customer.name`, in the order in which they are met.
 * @param {Iterable<string>} values
 * @returns {string[]}
 */
export function fieldsIn(values) {
  /** @type {Set<string>} */
  const found = new Set();
  for (const value of values) collect(objectIn(value), '', found);
  return [...found].slice(0, MAX_FIELDS);
}

/**
 * A field of a JSON value as text; null where the value has none of that name.
 * @param {string} value
 * @param {string} field
 */
export function fieldText(value, field) {
  /** @type {unknown} */
  let part = objectIn(value);
  for (const name of field.split('.')) {
    if (!isObject(part) || !Object.hasOwn(part, name)) return null;
    part = part[name];
  }
  return typeof part === 'string' ? part : JSON.stringify(part);
}

/** The last one, of which more than one field is asked for. */
let last = { text: '', object: /** @type {unknown} */ (null) };

/**
 * @param {string} text
 * @returns {unknown} null where it is no object
 */
function objectIn(text) {
  if (text === last.text) return last.object;
  last = { text, object: null };
  if (text.length > MAX_LENGTH || !/^\s*\{/.test(text)) return null;
  try {
    last.object = JSON.parse(text, keepDigits);
  } catch {
    // No JSON.
  }
  return last.object;
}

/**
 * Numbers with the digits that came, where the browser tells them.
 * @param {string} _name
 * @param {unknown} value
 * @param {{ source?: string }} [context]
 */
function keepDigits(_name, value, context) {
  const { rawJSON } = /** @type {{ rawJSON?: (text: string) => unknown }} */ (JSON);
  if (typeof value !== 'number' || context?.source === undefined) return value;
  return rawJSON?.(context.source) ?? value;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  const { isRawJSON } = /** @type {{ isRawJSON?: (value: unknown) => boolean }} */ (JSON);
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawJSON?.(value)
  );
}

/**
 * @param {unknown} value
 * @param {string} path
 * @param {Set<string>} found
 */
function collect(value, path, found) {
  if (!isObject(value) || found.size >= MAX_FIELDS) return;
  for (const [name, member] of Object.entries(value)) {
    if (name === '' || name.includes('.')) continue;
    const field = path === '' ? name : `${path}.${name}`;
    if (isObject(member) && field.split('.').length < MAX_DEPTH) collect(member, field, found);
    else found.add(field);
  }
}
