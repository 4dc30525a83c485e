/**
 * What the page shows, as its address keeps it: everything behind the `#`, so that a link shows the
 * same and no server gets to know it.
 *
 * @typedef {object} Settings
 * @property {string} location of the stream, as typed
 * @property {'auto' | 'newest' | 'beginning' | 'latest' | 'time' | 'id'} start `auto`: as fits the topic
 * @property {string} since the time to start at, RFC 3339; of `time` only
 * @property {string} id to go on after; of `id` only
 * @property {string} key to ask the gateway for alone; empty: all, as of the next two
 * @property {string} where expression that the gateway lets records through by
 * @property {string} every milliseconds between two beats, as typed
 * @property {'auto' | 'json' | 'text'} format
 * @property {'messages' | 'table'} view
 * @property {string} filter
 * @property {readonly string[]} fields of JSON values that are columns of the table
 * @property {'local' | 'utc'} clock
 */

/** How many of a partition's newest records `newest` starts at. */
export const NEWEST = 100;

/** Names that are the same in the stream's own address. */
const ASKED = /** @type {const} */ (['key', 'where', 'every']);

/** @type {Readonly<Settings>} */
export const DEFAULTS = Object.freeze({
  location: '',
  start: 'auto',
  since: '',
  id: '',
  key: '',
  where: '',
  every: '',
  format: 'auto',
  view: 'messages',
  filter: '',
  fields: [],
  clock: 'local',
});

/**
 * The address that a location stands for: a path, or a name alone, is one of the page's own gateway,
 * which may itself be below a path.
 * @param {string} location as typed
 * @param {string} root the gateway's address, without a slash at its end
 * @returns {URL | null} null where it is no address
 */
export function urlOf(location, root) {
  const url = absolute(location, root);
  const base = `${root}/`;
  return location !== '' && URL.canParse(url, base) ? new URL(url, base) : null;
}

/**
 * The path that a location has at the page's own gateway, however it is written.
 * @param {string} location as typed
 * @param {string} root the gateway's address, without a slash at its end
 * @returns {string | null} null where it is of another server, beside the gateway, or no address
 */
export function ownPath(location, root) {
  const { origin = '', pathname = '' } = urlOf(location, root) ?? {};
  const place = origin + pathname;
  return place.startsWith(`${root}/`) ? place.slice(root.length) : null;
}

/**
 * @param {string} location
 * @param {string} root
 */
function absolute(location, root) {
  return location.startsWith('/') ? `${root}${location}` : location;
}

/**
 * The way back, of what is written in full.
 * @param {string} location
 * @param {string} root
 */
function shortened(location, root) {
  return location.startsWith(`${root}/`) ? location.slice(root.length) : location;
}

/**
 * The settings of an address; what it leaves out or has wrong is the default.
 * @param {string} hash of the page's location, with or without the `#`
 * @param {string} root the gateway's address
 * @returns {Settings}
 */
export function readAddress(hash, root) {
  const params = new URLSearchParams(hash.replace(/^#/, ''));
  /** @type {Settings} */
  const settings = { ...DEFAULTS, filter: params.get('filter') ?? '' };
  settings.fields = params.getAll('field').filter((field) => field !== '');
  if (params.get('clock') === 'utc') settings.clock = 'utc';
  settings.location = absolute(params.get('location') ?? '', root);
  for (const name of ASKED) settings[name] = params.get(name) ?? '';
  if (params.get('view') === 'table') settings.view = 'table';
  const format = params.get('format');
  if (format === 'json' || format === 'text') settings.format = format;
  // The same names as in the stream's own address.
  const id = params.get('lastEventId') ?? '';
  const since = params.get('since') ?? '';
  if (id !== '') return { ...settings, start: 'id', id };
  if (since === 'latest') return { ...settings, start: 'latest' };
  if (since === `-${NEWEST}`) return { ...settings, start: 'newest' };
  if (since === 'beginning') return { ...settings, start: 'beginning' };
  if (since !== '') return { ...settings, start: 'time', since };
  return settings;
}

/**
 * The way back: the hash with its `#`, as short as it can be.
 * @param {Settings} settings
 * @param {string} root the gateway's address
 */
export function addressOf(settings, root) {
  const { location, start, since, id, format, view, filter, fields, clock } = settings;
  const params = new URLSearchParams();
  if (location !== '') params.set('location', shortened(location, root));
  if (start === 'latest' || start === 'beginning') params.set('since', start);
  if (start === 'newest') params.set('since', `-${NEWEST}`);
  if (start === 'time' && since !== '') params.set('since', since);
  if (start === 'id' && id !== '') params.set('lastEventId', id);
  for (const name of ASKED) if (settings[name] !== '') params.set(name, settings[name]);
  if (format !== 'auto') params.set('format', format);
  if (view !== 'messages') params.set('view', view);
  if (filter !== '') params.set('filter', filter);
  for (const field of fields) params.append('field', field);
  if (clock !== 'local') params.set('clock', clock);
  // Slashes and colons may stand as they are, and are easier to read.
  return `#${params}`.replaceAll('%2F', '/').replaceAll('%3A', ':');
}
