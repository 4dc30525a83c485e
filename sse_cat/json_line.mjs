/**
 * An event as a line of JSON: `{"topic":"events","id":"Ao8n","event":"message",...}`, and then the
 * members of its data where that is an object, as with `format=json`; else the data as it is.
 *
 * @param {string} topic
 * @param {string} event
 * @param {string} data
 * @param {string} id
 */
export function jsonLine(topic, event, data, id) {
  return JSON.stringify({ topic, id, event, ...(membersOf(data) ?? { data }) });
}

/**
 * The topic by the last part of the stream's path: a proxy may have put something before it.
 *
 * @param {URL} url
 */
export function topicOf({ pathname }) {
  const name = pathname.slice(pathname.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/**
 * What a format prints of; of another server's event that is no JSON, its data.
 *
 * @param {string} data
 * @returns {import('./record_format.mjs').JsonRecord}
 */
export function recordOf(data) {
  return membersOf(data) ?? { value: data };
}

/** @param {string} data */
function membersOf(data) {
  try {
    const value = JSON.parse(data);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // No JSON: another server's event.
  }
  return null;
}
