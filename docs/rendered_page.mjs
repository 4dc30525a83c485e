// A page that is rendered on the server and goes on in the browser: node rendered_page.mjs
import { createServer } from 'node:http';

const GATEWAY = 'http://localhost:8080';

createServer(async (_, response) => {
  const headers = { accept: 'application/json' };
  const document = await fetch(`${GATEWAY}/events?until=live`, { headers });
  if (document.ok) {
    const { records, id } = await document.json();
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(pageOf(records, id));
  } else {
    response.writeHead(503, { 'retry-after': '5' }).end(await document.text());
  }
}).listen(3000, 'localhost');

function pageOf(records, id) {
  const rows = records.filter(({ value }) => value !== null).map(rowOf);
  return `<!doctype html>
<title>Rendered, and live</title>
<ul id="rows">${rows.join('')}</ul>
<script type="module">
  import { connect } from '${GATEWAY}/client.js';

  const rows = document.querySelector('#rows');
  const rowOf = (key) => [...rows.children].find((row) => row.dataset.key === key);
  const events = connect('${GATEWAY}/events?format=json', { lastEventId: '${id}' });
  events.addEventListener('message', ({ detail: { key, value } }) => {
    const row = rowOf(key) ?? rows.appendChild(document.createElement('li'));
    row.dataset.key = key;
    row.textContent = value;
  });
  events.addEventListener('delete', ({ detail: { key } }) => rowOf(key)?.remove());
  events.addEventListener('gap', () => location.reload());
</script>`;
}

function rowOf({ key, value }) {
  return `<li data-key="${escaped(key)}">${escaped(value)}</li>`;
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
