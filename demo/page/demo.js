/** The demo's page: `table()` and `connect()` of the gateway's client, and what the demo counts. */
// To a browser what is above the root is the root.
import { connect, table } from '../../public/client/client.js';
import { Chart } from './chart.js';
import { Prices } from './prices.js';

const DIAL_MS = 1000;
/** An order of so long ago is shown from then on. */
const ORDER_MS = 120_000;
const MOST_EVENTS = 10;

/** @param {string} id */
const $ = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const symbol = /** @type {HTMLSelectElement} */ ($('symbol'));
const order = /** @type {HTMLInputElement} */ ($('order'));
const pause = $('pause');
const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** @typedef {{ symbol: string, side: string, quantity: number, filled: number, price: number, seq: number }} OrderEvent */
/** @typedef {import('./prices.js').Price} Price */

const prices = new Prices($('prices'), show);
const chart = new Chart(/** @type {HTMLCanvasElement} */ ($('chart')));
let isPaused = false;

/** @param {string} id @param {string} text */
function write(id, text) {
  const element = $(id);
  if (element.textContent !== text) element.textContent = text;
}

/** How a stream is, in the pill beside it. @param {string} id @param {{ status: string } & EventTarget} source */
function follow(id, source) {
  const showState = () => {
    $(id).dataset['state'] = source.status;
    write(id, source.status);
  };
  source.addEventListener('statuschange', showState);
  showState();
}

/** @param {string} name the price that the chart is of */
function show(name) {
  symbol.value = name;
  prices.mark(name);
  chart.show(name);
}

/** @param {string} door */
async function followPrices(door) {
  /** @type {import('../../public/client/client.d.ts').Table<Price>} */
  const rows = table(`${door}/prices`, { parse: JSON.parse });
  follow('prices-state', rows);
  rows.addEventListener('change', ({ keys }) => {
    for (const key of keys) {
      const price = rows.get(key);
      if (price === undefined) continue;
      chart.add(price.symbol, rows.record(key)?.timestamp ?? 0, price.price);
      prices.put(price);
    }
  });
  await rows.whole;
  const names = [...rows.values()].map((price) => price.symbol).sort();
  symbol.append(...names.map((name) => new Option(name)));
  prices.draw();
  if (names[0] !== undefined) show(names[0]);
}

/** @type {ReturnType<typeof connect<OrderEvent>> | undefined} */
let stream;

/** The events of one order: the gateway sends no others. @param {string} door */
function followOrder(door) {
  if (!order.checkValidity() || order.value === '') return;
  const url = `/orders?key=order-${Number(order.value)}`;
  write('order-url', url);
  $('events').replaceChildren();
  stream?.close();
  stream = connect(`${door}${url}`, { parse: JSON.parse, since: new Date(Date.now() - ORDER_MS) });
  follow('order-state', stream);
  stream.addEventListener('message', ({ detail }) => {
    const { seq, side, symbol, quantity, filled, price } = detail.value;
    const words = `${side} ${quantity} ${symbol} at ${price.toFixed(2)}`;
    const state = filled === 0 ? 'new' : filled === quantity ? 'filled' : `${filled} filled`;
    const item = document.createElement('li');
    for (const text of [`${seq}`, words, state]) {
      item.append(Object.assign(document.createElement('span'), { textContent: text }));
    }
    $('events').prepend(item);
    for (const old of [...$('events').children].slice(MOST_EVENTS)) old.remove();
  });
}

function frame() {
  if (!isPaused) {
    prices.draw();
    chart.draw();
    write('now', chart.last);
  }
  requestAnimationFrame(frame);
}

/** @param {any} dial */
function showDial(dial) {
  write('clients', dial.clients.toLocaleString());
  write('per-second', dial.perSecond.toLocaleString());
  write('cpu', dial.cpuMicros === null ? '–' : `${dial.cpuMicros.toFixed(1)} µs`);
  write('behind', dial.behind.toLocaleString());
  for (const id of ['lost', 'doubled']) {
    write(id, dial[id].toLocaleString());
    $(id).toggleAttribute('data-bad', dial[id] > 0);
  }
  for (const { name, isUp, connections } of dial.gateways) {
    showMachine(`gateway-${name}`, isUp, `${connections} connections`);
  }
  showMachine('broker', dial.broker.isUp, 'runs');
  const news = $('news');
  const newest = `${dial.news[0]?.at ?? ''}`;
  if (news.dataset['newest'] === newest) return;
  const known = Number(news.dataset['newest'] || 0);
  news.dataset['newest'] = newest;
  for (const { at, text } of dial.news
    .filter((/** @type {any} */ one) => one.at > known)
    .reverse()) {
    const item = document.createElement('li');
    item.append(Object.assign(document.createElement('time'), { textContent: time.format(at) }));
    item.append(` ${text}`);
    news.prepend(item);
  }
}

/** @param {string} id @param {boolean} isUp @param {string} words */
function showMachine(id, isUp, words) {
  const item = $(id);
  item.toggleAttribute('data-down', !isUp);
  const span = /** @type {HTMLElement} */ (item.querySelector('span'));
  span.textContent = isUp ? words : 'down';
}

const readDial = async () => (await fetch('dial')).json();

for (const button of document.querySelectorAll('[data-kill]')) {
  const { kill } = /** @type {HTMLElement} */ (button).dataset;
  button.addEventListener('click', () => fetch(`kill/${kill}`, { method: 'POST' }));
}
pause.addEventListener('click', () => {
  isPaused = !isPaused;
  pause.setAttribute('aria-pressed', `${isPaused}`);
});
symbol.addEventListener('change', () => show(symbol.value));

const first = await readDial();
// By the same name as the page: its policy knows no other.
const door = `http://${location.hostname}:${first.door}`;
/** @type {HTMLAnchorElement} */ ($('own-page')).href = door;
showDial(first);
setInterval(async () => {
  const dial = await readDial().catch(() => null);
  $('ended').hidden = dial !== null;
  if (dial === null) return;
  // Another run of the demo.
  if (dial.door !== first.door) location.reload();
  showDial(dial);
}, DIAL_MS);
order.addEventListener('change', () => followOrder(door));
requestAnimationFrame(frame);
followOrder(door);
await followPrices(door);
