/** As jq has them: names, texts, null; numbers and truths stay as they are. */
const [NAME, TEXT, NULL] = ['34;1', '32', '90'];
const TOKEN = /("(?:\\.|[^"\\])*")(:)?|\bnull\b/g;

/**
 * A line of JSON, coloured for a terminal.
 *
 * @param {string} json
 */
export function colored(json) {
  return json.replace(TOKEN, (token, text, colon) => {
    if (text === undefined) return paint(token, NULL);
    return colon === undefined ? paint(text, TEXT) : `${paint(text, NAME)}:`;
  });
}

/**
 * @param {string} text
 * @param {string} color
 */
function paint(text, color) {
  return `\x1b[${color}m${text}\x1b[0m`;
}

/**
 * Whether a stream wants them: https://no-color.org
 *
 * @param {{ readonly isTTY?: boolean }} stream
 * @param {NodeJS.ProcessEnv} env
 */
export function wantsColors({ isTTY }, env) {
  return isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}
