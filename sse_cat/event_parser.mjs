/**
 * Parser of an event stream, after
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 *
 * Why not `eventsource-parser` (3.1): it tells no id of a block without data. The gateway sends
 * such blocks (the start of a `since` stream, records without key and value), and a client that
 * misses their ids comes back at the wrong place. And without it the package depends on nothing.
 *
 * @module
 */

/** Above this an unended block is no event any more: the parser's memory stays bounded. */
const MAX_BLOCK_CHARS = 64 * 1024 * 1024;

const LINE_END = /\r\n?|\n/;

/**
 * What the parser calls, in the order of the stream.
 *
 * @typedef {object} EventParserCallbacks
 * @property {(type: string, data: string) => void} onEvent
 *   A block with data ended. `type` is `message` where the block names none.
 * @property {(id: string) => void} onId
 *   A block with an id ended, with or without data; called before `onEvent`.
 * @property {(milliseconds: number) => void} onRetry
 *   The server's wish for the time before the next connection.
 */

/**
 * A parser for one connection: takes decoded text cut anywhere. What no blank line has ended is
 * never told, neither the event nor its id.
 *
 * @param {EventParserCallbacks} callbacks
 * @returns {(text: string) => void} throws a RangeError when a block grows over 64 Mi characters
 */
export function createEventParser(callbacks) {
  // Pieces of the unended last line, joined once: adding each to one string is quadratic.
  /** @type {string[]} */
  let tail = [];
  let endedInCr = false;
  let blockChars = 0;
  let type = '';
  /** @type {string | null} */
  let id = null;
  /** @type {string[]} */
  let data = [];

  return function feed(text) {
    if (text === '') return;
    const rest = endedInCr && text.startsWith('\n') ? text.slice(1) : text;
    // By a string it is split several times faster than by an expression.
    const lines = rest.split(rest.includes('\r') ? LINE_END : '\n');
    endedInCr = text.endsWith('\r');
    blockChars += text.length;
    const first = /** @type {string} */ (lines[0]);
    tail.push(first);
    if (lines.length > 1) {
      lines[0] = tail.length === 1 ? first : tail.join('');
      tail = [/** @type {string} */ (lines.pop())];
      for (const line of lines) takeLine(line);
    }
    if (blockChars > MAX_BLOCK_CHARS) throw new RangeError('an event has more than 64 MiB');
  };

  /** @param {string} line */
  function takeLine(line) {
    if (line === '') {
      endBlock();
      return;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') data.push(value);
    else if (field === 'event') type = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
    else if (field === 'retry' && /^[0-9]+$/.test(value)) callbacks.onRetry(Number(value));
  }

  function endBlock() {
    if (id !== null) callbacks.onId(id);
    if (data.length > 0) callbacks.onEvent(type === '' ? 'message' : type, data.join('\n'));
    blockChars = 0;
    type = '';
    id = null;
    data = [];
  }
}
