/**
 * A topic of the gateway.
 *
 * @typedef {object} Topic
 * @property {string} name
 * @property {string} path
 * @property {boolean | null} compacted null until it is known
 * @property {number | null} deleteRetentionMs
 */

/**
 * The topics of the gateway that serves the page; none where another server does.
 * @returns {Promise<readonly Topic[]>}
 */
export async function loadTopics() {
  try {
    const response = await fetch('/-/topics');
    const { topics } = await response.json();
    return topics;
  } catch {
    return [];
  }
}
