import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import process from 'node:process';

const OWNER_READS = 0o400;

/**
 * Watches who reads stdout, where that is a pipe. By itself a process hears that nobody does when it
 * writes, and whose stream is silent writes nothing. Linux alone tells who has the other end of a
 * pipe; elsewhere, and of another user's process, nothing is known.
 *
 * @returns {() => boolean} whether the reader that was there is gone
 */
export function watchReader() {
  const pipe = linkOf('/proc/self/fd/1');
  if (pipe?.startsWith('pipe:') !== true) return () => false;
  let reader = findReader(pipe);
  return () => {
    if (reader === null || linkOf(reader) === pipe) return false;
    reader = findReader(pipe);
    return reader === null;
  };
}

/** @param {string} pipe as links of `/proc` name it */
function findReader(pipe) {
  for (const id of entriesOf('/proc')) {
    if (!/^\d+$/.test(id) || id === String(process.pid)) continue;
    for (const descriptor of entriesOf(`/proc/${id}/fd`)) {
      const path = `/proc/${id}/fd/${descriptor}`;
      if (linkOf(path) === pipe && isOpenToRead(path)) return path;
    }
  }
  return null;
}

/** @param {string} path */
function isOpenToRead(path) {
  try {
    return (lstatSync(path).mode & OWNER_READS) !== 0;
  } catch {
    return false;
  }
}

/** @param {string} path */
function linkOf(path) {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/** @param {string} path */
function entriesOf(path) {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
