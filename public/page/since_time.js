/**
 * A time as a field of type `datetime-local` has it, in the zone of the browser, as the stream takes it.
 * @param {string} local
 */
export function sinceOf(local) {
  const time = new Date(local);
  return Number.isNaN(time.getTime()) ? '' : time.toISOString();
}

/**
 * The way back; empty where it is no time.
 * @param {string} since RFC 3339 or Unix milliseconds
 */
export function localOf(since) {
  const time = new Date(/^\d+$/.test(since) ? Number(since) : since);
  if (Number.isNaN(time.getTime())) return '';
  const shifted = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 19);
}
