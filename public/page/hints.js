import { urlOf } from './address.js';
import { setText } from './set_text.js';
import { severalIn, topicsIn } from './stream_name.js';

/** @import { Topic } from './topics.js' */

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

/**
 * What helps on, with the addresses of this gateway, as far as it is needed.
 * @param {string} location that the form has
 * @param {string} root the gateway's address, without a slash at its end
 * @param {readonly Topic[]} topics
 * @param {string | null} brokers on this machine; null where they are on others
 */
export function showHints(location, root, topics, brokers) {
  const url = urlOf(location, root);
  const { protocol = '', origin = '' } = url ?? {};
  // Whoever sees this page has trusted the certificate of its own server.
  byId('certificate-hint').hidden = protocol !== 'https:' || origin === new URL(root).origin;
  byId('certificate-link').href = `${origin}/`;
  setText(byId('certificate-link'), origin);
  const read = topicsIn(location, root, topics);
  byId('compaction-hint').hidden = !read.some(({ compacted }) => compacted);
  setText(byId('publish-brokers'), brokers ?? '$KAFKA_BROKERS');
  const last = (url ?? new URL(root)).pathname.split('/').pop() || 'events';
  const [first = last] = severalIn(location, root);
  setText(byId('publish-topic'), read[0]?.name ?? first);
}
