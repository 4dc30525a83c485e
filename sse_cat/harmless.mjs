/** Controls, but for tab and newline, and what turns the direction of text around. */
const STEERING = /(?![\t\n])[\p{Cc}\p{Bidi_Control}]/gu;

/**
 * Text that a terminal shows and does not obey: `\x1b` in the place of an escape. JSON stays JSON.
 *
 * @param {string} text
 * @param {boolean} json
 */
export function harmless(text, json) {
  return text.replace(STEERING, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return json || code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
  });
}
