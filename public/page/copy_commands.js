/**
 * The stream as commands to take home.
 * @param {string} url
 * @returns {Readonly<Record<'curl' | 'sse-cat' | 'JavaScript', string>>}
 */
export function copyCommands(url) {
  const isSelfSigned = /^https:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/]/.test(url);
  const isJson = new URL(url).searchParams.get('format') === 'json';
  return {
    curl: `curl --no-buffer ${isSelfSigned ? '--insecure ' : ''}${quoted(url)}`,
    'sse-cat': `npx --no -- sse-cat ${isSelfSigned ? '--insecure ' : ''}${quoted(url)}`,
    JavaScript: [
      `const events = new EventSource(${JSON.stringify(url)});`,
      `events.onmessage = ({ data }) => console.log(${isJson ? 'JSON.parse(data)' : 'data'});`,
      "events.addEventListener('delete', ({ data }) => console.log('deleted', data));",
      "events.addEventListener('gap', ({ data }) => console.log('not delivered', data));",
    ].join('\n'),
  };
}

/**
 * One word of a shell.
 * @param {string} text
 */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
