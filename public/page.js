import { addressOf, DEFAULTS, readAddress } from './address.js';
import { Announcer } from './announcer.js';
import { copiesOnClick } from './clipboard.js';
import { copyMenu } from './copy_menu.js';
import { emptyWords } from './empty_words.js';
import { oncePerFrame } from './frame.js';
import { Inspector } from './inspector.js';
import { MessageLog } from './message_log.js';
import { Rate } from './rate.js';
import { RecordGrid } from './record_grid.js';
import { RecordList } from './record_list.js';
import { RecordTable } from './record_table.js';
import { formatCount } from './record_words.js';
import { setText } from './set_text.js';
import { SettingsForm } from './settings_form.js';
import { describeState, explainState } from './state_words.js';
import { showStatus } from './status_bar.js';
import { Stream } from './stream.js';
import { readRecord } from './stream_record.js';
import { effectiveFormat, streamUrl } from './stream_url.js';
import { loadTopics } from './topics.js';

/** @import { Settings } from './address.js' */
/** @import { State } from './stream.js' */

/** How often the rate and a countdown are brought up to date. */
const TICK_MS = 500;
/** States that only the reader changes. */
const AT_REST = new Set(['idle', 'ended', 'failed']);

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
const { origin } = location;
/** @type {NodeListOf<HTMLInputElement>} */
const radios = document.querySelectorAll('input[name="view"]');

/** @type {Settings} what is shown; the form may already say otherwise */
let settings = { ...DEFAULTS };
/** @type {State} */
let state = { name: 'idle' };
let gaps = 0;
let number = 0;
let rate = new Rate();
/** What shows during a pause. @type {{ list: RecordList, table: RecordTable } | null} */
let held = null;
const list = new RecordList();
const table = new RecordTable();

const paint = oncePerFrame(render);
const log = new MessageLog();
const announcer = new Announcer(byId('announcer'));
const stream = new Stream(showState, take);
const form = new SettingsForm(origin, start, paint);
const inspector = new Inspector(byId('inspector'), startAfter, () => byId('grid').focus());
const grid = new RecordGrid(
  byId('grid'),
  { messages: byId('messages'), table: byId('rows') },
  (record) => inspector.open(record),
  paint,
);

/** Starts afresh: the stream before it ends, its messages leave. */
function start() {
  settings = { ...settings, ...form.read() };
  keepAddress();
  forget();
  hold(false);
  const asked = settings;
  byId('grid').dataset.told = effectiveFormat(asked, origin);
  try {
    stream.start((lastId) => streamUrl(asked, origin, lastId));
  } catch {
    console.log('error', settings.location);
    showState({ name: 'failed', reason: 'this location is not an address' });
  }
}

/** @param {string} id */
function startAfter(id) {
  settings = { ...settings, ...form.read(), start: 'id', id };
  form.write(settings);
  start();
}

/** @param {State} next */
function showState(next) {
  state = next;
  const words = describeState(next.name === 'retrying' ? { name: 'retrying' } : next, 0);
  announcer.tellState([words, explainState(next)].filter(Boolean).join(': '));
  paint();
}

/**
 * @param {'message' | 'delete' | 'gap' | 'live'} type
 * @param {string} data
 * @param {string} id
 */
function take(type, data, id) {
  if (type === 'live') return;
  const record = readRecord(type, data, { number: ++number, received: Date.now(), id });
  log.add(type, record.value, performance.now());
  list.add(record);
  if (type === 'gap') takeGap(record.reason);
  else rate.add(performance.now());
  table.add(record);
  paint();
}

/** @param {string} reason */
function takeGap(reason) {
  gaps++;
  if (reason !== 'recreated' && reason !== 'unreadable-cursor') return;
  // The stream goes on as for a new client: keys that it does not bring again are gone.
  table.clear();
  if (state.name === 'live') showState({ name: 'replaying' });
}

/** Empties what shows, and counts from 0. The table is what the topic holds, and stays. */
function clear() {
  list.clear();
  held?.list.clear();
  gaps = 0;
  paint();
}

function forget() {
  clear();
  table.clear();
  rate = new Rate();
  inspector.close();
}

/** @param {boolean} isPaused */
function hold(isPaused) {
  held = isPaused ? { list: list.copy(), table: table.copy() } : null;
  paint();
}

function render() {
  const { view } = settings;
  const shown = held ?? { list, table };
  table.settle();
  held?.table.settle();
  const source = view === 'table' ? shown.table : shown.list;
  grid.render(view, source);
  byId('newest').hidden = grid.isFollowing || source.length === 0;
  showStatus(state, {
    records: list.total - gaps,
    perSecond: rate.perSecond(performance.now()),
    keys: table.keys,
    gaps,
    lastId: stream.lastId,
  });
  renderTools(shown.list);
  renderEmpty(source.length, shown);
}

/** @param {RecordList} shown */
function renderTools(shown) {
  const { view, filter } = settings;
  byId('stop').disabled = AT_REST.has(state.name);
  const waiting = held === null ? 0 : list.total - held.list.total;
  const pause = byId('pause');
  pause.setAttribute('aria-pressed', `${held !== null}`);
  setText(pause, held === null ? 'Pause' : `Resume (${formatCount(waiting)} new)`);
  byId('clear').disabled = view === 'table' || list.kept === 0;
  const [matching, all] =
    view === 'table' ? [table.length, table.keys] : [shown.length, shown.kept];
  setText(
    byId('filter-count'),
    filter === '' ? '' : `${formatCount(matching)} of ${formatCount(all)}`,
  );
}

/**
 * @param {number} length of what shows
 * @param {{ list: RecordList, table: RecordTable }} shown
 */
function renderEmpty(length, shown) {
  byId('empty').hidden = length > 0;
  if (length > 0) return;
  const situation = { state, settings, kept: shown.list.kept, hasKeys: shown.table.keys > 0 };
  const { title, text, isPublishing } = emptyWords(situation);
  setText(byId('empty-title'), title);
  setText(byId('empty-text'), text);
  byId('publish').hidden = !isPublishing;
  setText(byId('publish-topic'), topicOf(form.read().location));
}

/** @param {string} place */
function topicOf(place) {
  const path = URL.canParse(place, origin) ? new URL(place, origin).pathname : '';
  return path.split('/').pop() || 'events';
}

function keepAddress() {
  history.replaceState(null, '', addressOf(settings, origin));
}

/** @param {Partial<Settings>} changes of what is shown, not of what is read */
function view(changes) {
  settings = { ...settings, ...changes };
  for (const part of [list, table, held?.list, held?.table]) part?.setFilter(settings.filter);
  keepAddress();
  paint();
}

/** Shows what the page's address says; a stream of the page's own gateway starts by itself. */
function followAddress() {
  settings = readAddress(location.hash, origin);
  const isLinked = settings.location.startsWith(`${origin}/`);
  form.write({ ...settings, location: settings.location || `${origin}/events` });
  byId('filter').value = settings.filter;
  for (const radio of radios) radio.checked = radio.value === settings.view;
  for (const part of [list, table]) part.setFilter(settings.filter);
  if (isLinked) start();
  paint();
  return isLinked;
}

/** @param {string} untouched the location as long as nobody has chosen one */
async function offerTopics(untouched) {
  const topics = await loadTopics();
  const [first] = topics;
  const read = form.read();
  if (first !== undefined && read.location === untouched) {
    form.write({ ...settings, ...read, location: new URL(first.path, origin).href });
  }
  form.offer(topics);
  paint();
}

byId('stop').addEventListener('click', () => stream.stop());
byId('clear').addEventListener('click', clear);
byId('pause').addEventListener('click', () => hold(held === null));
byId('newest').addEventListener('click', () => grid.follow());
byId('filter').addEventListener('input', () => view({ filter: byId('filter').value }));
for (const radio of radios) {
  radio.addEventListener('change', () =>
    view({ view: radio.value === 'table' ? 'table' : 'messages' }),
  );
}
copyMenu(byId('copy'), byId('commands'), () => {
  try {
    return streamUrl({ ...settings, ...form.read() }, origin, '');
  } catch {
    return origin;
  }
});
copiesOnClick(byId('last-id'), () => stream.lastId);
copiesOnClick(byId('copy-publish'), () => byId('publish-command').textContent);
addEventListener('hashchange', followAddress);
addEventListener('online', () => stream.retryNow());
setInterval(() => {
  log.settle(performance.now());
  if (AT_REST.has(state.name)) return;
  announcer.tellCount(list.total, performance.now());
  paint();
}, TICK_MS);

const isLinked = followAddress();
offerTopics(isLinked ? '' : form.read().location);
