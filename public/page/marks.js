/**
 * What is not seen, or makes other text look like something that it is not: line ends, control
 * characters, marks that turn the direction of text, and what has no width.
 */
const UNSEEN =
  /\r\n|[\p{Cc}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;
/** More in one text are not marked. */
const MAX_MARKS = 1000;
/** Of a text where lines stay lines. */
const STAYS = new Set(['\n', '\r\n', '\t']);

/**
 * Cuts a text into plain pieces and marks.
 * @param {string} text
 * @returns {{ text: string, mark: string }[]} `mark`: what shows in the place of the text; empty: itself
 */
export function pieces(text) {
  const all = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(UNSEEN)) {
    if (all.length > 2 * MAX_MARKS) break;
    if (index > end) all.push({ text: text.slice(end, index), mark: '' });
    all.push({ text: found, mark: markOf(found) });
    end = index + found.length;
  }
  if (end < text.length) all.push({ text: text.slice(end), mark: '' });
  return all;
}

/**
 * A text with marks in the place of what is not seen.
 * @param {string} text
 */
export function markedText(text) {
  return text.replace(UNSEEN, markOf);
}

/**
 * Shows a text with marks; as text, and so when it is copied, it stays what it is.
 * @param {HTMLElement} element
 * @param {string} text
 * @param {boolean} keepsLines
 */
export function showMarked(element, text, keepsLines) {
  const parts = pieces(text).map(({ text: piece, mark }) => {
    if (mark === '' || (keepsLines && STAYS.has(piece))) return piece;
    const span = document.createElement('span');
    span.className = 'mark';
    span.dataset['text'] = mark;
    const hidden = document.createElement('span');
    hidden.textContent = piece;
    span.append(hidden);
    return span;
  });
  element.replaceChildren(...parts);
}

/** @param {string} found */
function markOf(found) {
  if (found === '\n' || found === '\r\n') return '↵';
  if (found === '\t') return '→';
  const code = found.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '␡';
  return `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`;
}
