/** The clock of all times on the page: of the browser's zone, or UTC. */

const two = (/** @type {number} */ number) => String(number).padStart(2, '0');

let isUtc = false;

/** @param {boolean} isOn */
export function setUtc(isOn) {
  isUtc = isOn;
}

/**
 * The time of day where it is today, else the day as well; always of the same width or less.
 * @param {number} time Unix milliseconds
 * @param {number} now
 */
export function formatTime(time, now) {
  const [day, clock, milliseconds] = partsOf(time);
  return day === partsOf(now)[0] ? `${clock}.${milliseconds}` : `${day} ${clock}`;
}

/**
 * A time in full, with how far the clock is from UTC then.
 * @param {number} time Unix milliseconds
 */
export function formatFull(time) {
  const [day, clock, milliseconds] = partsOf(time);
  return `${day} ${clock}.${milliseconds} ${isUtc ? 'UTC' : offsetAt(time)}`;
}

/**
 * What the clock is called, as beside a heading.
 * @param {number} now Unix milliseconds
 */
export function zoneName(now) {
  return isUtc ? 'UTC' : `UTC${offsetAt(now)}`;
}

/**
 * A time as a field of type `datetime-local` has it, as the stream takes it.
 * @param {string} local
 */
export function sinceOf(local) {
  const time = new Date(isUtc && local !== '' ? `${local}Z` : local);
  return Number.isNaN(time.getTime()) ? '' : time.toISOString();
}

/**
 * The way back; empty where it is no time.
 * @param {string} since RFC 3339 or Unix milliseconds
 */
export function localOf(since) {
  const time = new Date(/^\d+$/.test(since) ? Number(since) : since).getTime();
  return Number.isNaN(time) ? '' : shifted(time).toISOString().slice(0, 19);
}

/** @param {number} time */
function partsOf(time) {
  const [day = '', clock = ''] = shifted(time).toISOString().split('T');
  return /** @type {const} */ ([day, clock.slice(0, 8), clock.slice(9, 12)]);
}

/**
 * The time whose UTC fields are those of the clock.
 * @param {number} time
 */
function shifted(time) {
  return new Date(isUtc ? time : time - new Date(time).getTimezoneOffset() * 60_000);
}

/** @param {number} time */
function offsetAt(time) {
  const minutes = -new Date(time).getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '−' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
