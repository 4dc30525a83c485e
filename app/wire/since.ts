/**
 * Where a new client begins: live only, at a time in Unix milliseconds, or, as a number below zero, so
 * many offsets before the end of each partition.
 */
export type Since = 'latest' | number;

/** What `since` takes, in words for an answer. */
export const SINCE_FORMS: string =
  'since takes "latest", an RFC 3339 time (2026-01-31T12:00:00Z), Unix milliseconds (13 digits) or -1 to -1000000 (so many offsets before the end)';

/** Below this a number is most likely seconds. */
export const MIN_UNIX_MS = 10 ** 11;
/** The last time that a Date can tell. */
export const MAX_UNIX_MS = 8.64e15;
/** The most offsets before the end. */
export const MAX_OFFSETS_BACK = 1_000_000;

// https://www.rfc-editor.org/rfc/rfc3339#section-5.6; in a query an unescaped `+` arrives as a space.
const RFC_3339 =
  /^(\d{4}-\d\d-(\d\d))[Tt ]([01]\d|2[0-3]):(\d\d):(\d\d)(\.\d+)?([Zz]|[+ -](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** @returns `null` for none, `'invalid'` for a text that is none of the forms. */
export function parseSince(text: string | null | undefined): Since | null | 'invalid' {
  if (text === null || text === undefined || text === '') return null;
  if (text === 'latest') return 'latest';
  if (/^\d+$/.test(text)) {
    const time = Number(text);
    return time < MIN_UNIX_MS || time > MAX_UNIX_MS ? 'invalid' : time;
  }
  if (/^-[1-9]\d{0,6}$/.test(text)) {
    const back = Number(text);
    return back < -MAX_OFFSETS_BACK ? 'invalid' : back;
  }
  return parseRfc3339(text) ?? 'invalid';
}

function parseRfc3339(text: string): number | null {
  const [, date, day, hour, minute, second, fraction = '', zone] = RFC_3339.exec(text) ?? [];
  if (zone === undefined) return null;
  // A leap second is the second before it; Date knows none.
  const seconds = second === '60' ? '59' : second;
  const offset = zone.toUpperCase().replace(' ', '+');
  const time = Date.parse(`${date}T${hour}:${minute}:${seconds}${fraction}${offset}`);
  // Date.parse takes 30 February for 2 March.
  if (Number.isNaN(time) || new Date(`${date}T00:00Z`).getUTCDate() !== Number(day)) return null;
  // Kafka reads negative times as names of places: -1 is the end.
  return Math.max(0, time);
}
