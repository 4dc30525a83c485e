/**
 * A topic of the gateway.
 *
 * @typedef {object} Topic
 * @property {string} name
 * @property {string} path
 * @property {boolean | null} compacted null until it is known
 * @property {number | null} deleteRetentionMs
 */

/** Go waits no longer than this for topics to choose from. */
const DEADLINE_MS = 5000;

/**
 * The topics of the gateway that serves the page; none where another server does.
 * @param {string} root the page's own address
 * @returns {Promise<readonly Topic[]>}
 */
export async function loadTopics(root) {
  try {
    const response = await fetch(`${root}/-/topics`, { signal: AbortSignal.timeout(DEADLINE_MS) });
    const { topics } = await response.json();
    return topics;
  } catch {
    return [];
  }
}
