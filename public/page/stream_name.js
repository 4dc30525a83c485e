import { ownPath, urlOf } from './address.js';

/** @import { Topic } from './topics.js' */

/** So many are named, the others counted. */
const MAX_NAMED = 3;

/**
 * The topics that a location has one after the other, as in `/orders,prices`; none where it has a
 * single one, or is of another server.
 * @param {string} location
 * @param {string} root the gateway's address, without a slash at its end
 */
export function severalIn(location, root) {
  const names = pathIn(location, root).slice(1).split(',');
  return names.length > 1 ? names.filter((name) => name !== '') : [];
}

/**
 * What is known of the topics that a location reads; none where one of them is not known.
 * @param {string} location
 * @param {string} root
 * @param {readonly Topic[]} topics
 */
export function topicsIn(location, root, topics) {
  const path = pathIn(location, root);
  const stream = topics.find((topic) => topic.path === path);
  if (stream !== undefined) return [stream];
  const found = severalIn(location, root).map((name) =>
    topics.find((topic) => canJoin(topic) && topic.name === name),
  );
  return found.every((topic) => topic !== undefined) ? found : [];
}

/**
 * Whether a topic can be read together with others: streams of the streams file stand alone.
 * @param {Topic} topic
 */
export function canJoin({ name, path }) {
  return path === `/${name}`;
}

/**
 * How a stream is called, in the bar and in the title.
 * @param {string} location
 * @param {string} root
 */
export function streamName(location, root) {
  const several = severalIn(location, root);
  if (several.length > 0) return inWords(several);
  const url = urlOf(location, root);
  if (url === null) return location;
  return pathIn(location, root).slice(1) || url.host + url.pathname;
}

/** @param {readonly string[]} names */
function inWords(names) {
  const rest = names.length - MAX_NAMED;
  if (rest <= 1) return names.join(', ');
  return `${names.slice(0, MAX_NAMED).join(', ')} and ${rest} more`;
}

/**
 * The path at the page's own gateway, as it is read; empty at another server.
 * @param {string} location
 * @param {string} root
 */
function pathIn(location, root) {
  const path = ownPath(location, root) ?? '';
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
