/**
 * The stream as commands to take home.
 * @param {string} url
 * @param {boolean} isSignedIn whether it takes a sign-in: the cookie stays with the browser, and the token
 *   is for whoever runs the command to put in
 * @returns {Readonly<Record<'curl' | 'sse-cat' | 'JavaScript', string>>}
 */
export function copyCommands(url, isSignedIn = false) {
  const isSelfSigned = /^https:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/]/.test(url);
  const isJson = new URL(url).searchParams.get('format') === 'json';
  const insecure = isSelfSigned ? '--insecure ' : '';
  const bearer = isSignedIn ? '-H "Authorization: Bearer $TOKEN" ' : '';
  const tokenFile = isSignedIn ? '--token-file token ' : '';
  return {
    curl: `curl --no-buffer ${insecure}${bearer}${quoted(url)}`,
    'sse-cat': `npx --no -- sse-cat ${insecure}${tokenFile}${quoted(url)}`,
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
