import { wordsOf } from './refusal.js';

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
 * Whether whoever looks is let in.
 *
 * @typedef {object} Access
 * @property {'open' | 'in' | 'out'} name `open`: everybody is
 * @property {string} why not, in words
 */

/** Go waits no longer than this for topics to choose from. */
const DEADLINE_MS = 5000;

/** @type {Access} */
const OPEN = { name: 'open', why: '' };

/**
 * The topics of the gateway that serves the page, as far as whoever looks may read them; none where
 * another server does.
 * @param {string} root the page's own address
 * @returns {Promise<{ topics: readonly Topic[], access: Access, brokers: string | null }>} `brokers`: where
 *   these are on the gateway's own machine
 */
export async function loadTopics(root) {
  try {
    const response = await fetch(`${root}/-/topics`, { signal: AbortSignal.timeout(DEADLINE_MS) });
    const { ok, status, headers } = response;
    // What depends on who asks is nothing for a shared cache.
    const isAsked = /\bprivate\b/.test(headers.get('cache-control') ?? '');
    if (!ok) {
      const why = isAsked ? wordsOf(await response.text(), status) : '';
      return { topics: [], access: isAsked ? { name: 'out', why } : OPEN, brokers: null };
    }
    const { topics } = await response.json();
    const brokers = headers.get('kafka-brokers');
    return { topics, access: isAsked ? { name: 'in', why: '' } : OPEN, brokers };
  } catch {
    return { topics: [], access: OPEN, brokers: null };
  }
}
