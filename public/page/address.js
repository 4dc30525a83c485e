/**
 * What the page shows, as its address keeps it: everything behind the `#`, so that a link shows the
 * same and no server gets to know it.
 *
 * @typedef {object} Settings
 * @property {string} location of the stream, as typed
 * @property {'beginning' | 'latest' | 'time' | 'id'} start
 * @property {string} since the time to start at, RFC 3339; of `time` only
 * @property {string} id to go on after; of `id` only
 * @property {'auto' | 'json' | 'text'} format
 * @property {'messages' | 'table'} view
 * @property {string} filter
 */

/** @type {Readonly<Settings>} */
export const DEFAULTS = Object.freeze({
  location: '',
  start: 'beginning',
  since: '',
  id: '',
  format: 'auto',
  view: 'messages',
  filter: '',
});

/**
 * A location in full: a path is one of the page's own gateway, which may itself be below a path.
 * @param {string} location
 * @param {string} root the gateway's address, without a slash at its end
 */
export function absolute(location, root) {
  return location.startsWith('/') ? `${root}${location}` : location;
}

/**
 * The settings of an address; what it leaves out or has wrong is the default.
 * @param {string} hash of the page's location, with or without the `#`
 * @param {string} root the gateway's address
 * @returns {Settings}
 */
export function readAddress(hash, root) {
  const params = new URLSearchParams(hash.replace(/^#/, ''));
  const settings = { ...DEFAULTS, filter: params.get('filter') ?? '' };
  settings.location = absolute(params.get('location') ?? '', root);
  if (params.get('view') === 'table') settings.view = 'table';
  const format = params.get('format');
  if (format === 'json' || format === 'text') settings.format = format;
  // The same names as in the stream's own address.
  const id = params.get('lastEventId') ?? '';
  const since = params.get('since') ?? '';
  if (id !== '') return { ...settings, start: 'id', id };
  if (since === 'latest') return { ...settings, start: 'latest' };
  if (since !== '') return { ...settings, start: 'time', since };
  return settings;
}

/**
 * The way back: the hash with its `#`, as short as it can be.
 * @param {Settings} settings
 * @param {string} root the gateway's address
 */
export function addressOf(settings, root) {
  const { location, start, since, id, format, view, filter } = settings;
  const params = new URLSearchParams();
  const isOwn = location.startsWith(`${root}/`);
  if (location !== '') params.set('location', isOwn ? location.slice(root.length) : location);
  if (start === 'latest') params.set('since', 'latest');
  if (start === 'time' && since !== '') params.set('since', since);
  if (start === 'id' && id !== '') params.set('lastEventId', id);
  if (format !== 'auto') params.set('format', format);
  if (view !== 'messages') params.set('view', view);
  if (filter !== '') params.set('filter', filter);
  // Slashes and colons may stand as they are, and are easier to read.
  return `#${params}`.replaceAll('%2F', '/').replaceAll('%3A', ':');
}
