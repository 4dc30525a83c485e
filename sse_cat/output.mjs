import { once } from 'node:events';

/** Characters that are written at once; fewer wait for the other pieces that are there already. */
const ENOUGH = 64 * 1024;

/**
 * What is printed. All streams share it and add whole lines alone, so that none cuts another's. A
 * full pipe slows the reading of the streams instead of growing a queue here.
 *
 * @param {import('node:stream').Writable} stdout
 * @param {object} limits
 * @param {number} limits.max events after which it ends
 * @param {number | null} limits.timeout milliseconds without an event after which it gives up
 * @param {AbortSignal} limits.signal ends it at once
 */
export function createOutput(stdout, { max, timeout, signal: asked }) {
  const stop = new AbortController();
  const signal = AbortSignal.any([asked, stop.signal]);
  let lines = '';
  let left = max;
  /** @type {NodeJS.Immediate | undefined} */
  let scheduled;
  /** @type {Promise<void> | null} */
  let drained = null;
  /** @type {string | null} */
  let failure = null;

  stdout.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
    // EPIPE: the reader (`head -1`) has what it wanted.
    if (error.code === 'EPIPE') stop.abort();
    else fail(`cannot write to stdout: ${error.message}`);
  });
  const silence = timeout === null ? undefined : setTimeout(onSilence, timeout);

  return { signal, addEvent, write, flush, end };

  /** @param {string} text the line of an event */
  function addEvent(text) {
    if (left === 0) return;
    lines += text;
    left -= 1;
  }

  /** Hands on what was added. */
  function write() {
    clearImmediate(scheduled);
    scheduled = undefined;
    if (lines === '') return;
    const text = lines;
    lines = '';
    if (!stdout.write(text)) drained ??= drain();
    silence?.refresh();
  }

  async function drain() {
    await once(stdout, 'drain', { signal }).catch(() => {});
    drained = null;
    silence?.refresh();
  }

  /** The same before the process waits for anything; settles when there is room for more. */
  async function flush() {
    if (lines.length >= ENOUGH) write();
    else if (lines !== '') scheduled ??= setImmediate(write);
    if (drained !== null) await drained;
    if (left === 0) stop.abort();
  }

  /** Waits until all is taken. @returns {Promise<string | null>} what went wrong */
  function end() {
    clearTimeout(silence);
    clearImmediate(scheduled);
    return new Promise((resolve) => {
      asked.addEventListener('abort', () => resolve(failure));
      if (asked.aborted) resolve(failure);
      else stdout.write(lines, () => resolve(failure));
    });
  }

  function onSilence() {
    // The reader of a full pipe is slow: that is no silence of the streams.
    if (drained !== null) silence?.refresh();
    else fail(`there was nothing to print for ${(timeout ?? 0) / 1000} s (--timeout)`);
  }

  /** @param {string} message */
  function fail(message) {
    failure ??= message;
    stop.abort();
  }
}
