import { NEWEST, ownPath, urlOf } from './address.js';
import { severalIn, topicsIn } from './stream_name.js';

/** @import { Settings } from './address.js' */
/** @import { Topic } from './topics.js' */

/** Other gateways know only plain values; of our own the page asks for keys and offsets, too. */
const FORMAT = 'format';

/**
 * The address to read from: the location, with what the settings ask for. What the location says
 * by itself stays, where no setting says otherwise.
 * @param {Settings} settings
 * @param {string} root the gateway's address, without a slash at its end
 * @param {string} lastId to go on after; empty for a first try
 * @throws {TypeError} when the location is no address
 */
export function streamUrl(settings, root, lastId = '') {
  const url = urlOf(settings.location, root);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new TypeError('not http');
  const { start, since, id, key, where, every } = settings;
  if (start === 'newest') url.searchParams.set('since', `-${NEWEST}`);
  if (start === 'latest') url.searchParams.set('since', 'latest');
  if (start === 'time' && since !== '') url.searchParams.set('since', since);
  if (start === 'id' && id !== '') url.searchParams.set('lastEventId', id);
  if (lastId !== '') url.searchParams.set('lastEventId', lastId);
  for (const [name, value] of Object.entries({ key, where, every })) {
    if (value !== '') url.searchParams.set(name, value);
  }
  if (!url.searchParams.has(FORMAT) && effectiveFormat(settings, root) === 'json') {
    url.searchParams.set(FORMAT, 'json');
  }
  return url.href;
}

/**
 * The format of records: as chosen, else with all that is known of them where the stream is of the
 * page's own gateway. Several topics come in JSON alone.
 * @param {Pick<Settings, 'format' | 'location'>} settings
 * @param {string} root the gateway's address, without a slash at its end
 * @returns {'json' | 'text'}
 */
export function effectiveFormat({ format, location }, root) {
  if (severalIn(location, root).length > 0) return 'json';
  if (format !== 'auto') return format;
  return ownPath(location, root) === null ? 'text' : 'json';
}

/**
 * Where a stream starts: as chosen, or as the location says. Else of a compacted topic all keys come;
 * of another one, which may have been written to for years, the newest records.
 * @param {Pick<Settings, 'start' | 'location'>} settings
 * @param {string} root the gateway's address, without a slash at its end
 * @param {readonly Topic[]} topics of the gateway
 * @returns {Exclude<Settings['start'], 'auto'>}
 */
export function effectiveStart({ start, location }, root, topics) {
  if (start !== 'auto') return start;
  const asked = urlOf(location, root)?.searchParams;
  if (asked?.has('since') || asked?.has('lastEventId')) return 'beginning';
  const read = topicsIn(location, root, topics);
  return read.length > 0 && read.every(({ compacted }) => compacted === false)
    ? 'newest'
    : 'beginning';
}
