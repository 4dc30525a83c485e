import { addressOf, DEFAULTS, readAddress } from './page/address.js';
import { Announcer } from './page/announcer.js';
import { copiesOnClick } from './page/clipboard.js';
import { copyMenu } from './page/copy_menu.js';
import { emptyWords } from './page/empty_words.js';
import { oncePerFrame } from './page/frame.js';
import { Inspector } from './page/inspector.js';
import { MessageLog } from './page/message_log.js';
import { Received } from './page/received.js';
import { RecordGrid } from './page/record_grid.js';
import { formatCount } from './page/record_words.js';
import { setText } from './page/set_text.js';
import { SettingsForm } from './page/settings_form.js';
import { SignIn } from './page/sign_in.js';
import { describeState } from './page/state_words.js';
import { showStatus } from './page/status_bar.js';
import { Stream } from './page/stream.js';
import { severalIn, streamName, topicsIn } from './page/stream_name.js';
import { effectiveFormat, streamUrl } from './page/stream_url.js';
import { loadTopics } from './page/topics.js';

/** @import { Settings } from './page/address.js' */
/** @import { State } from './page/stream.js' */
/** @import { StreamRecord } from './page/stream_record.js' */
/** @import { Access, Topic } from './page/topics.js' */

/** How often the rate and a countdown are brought up to date. */
const TICK_MS = 500;
/** States that only the reader changes. */
const AT_REST = new Set(['idle', 'ended', 'failed']);

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
/** The gateway's own address, without a slash at its end: a proxy may have it below a path. */
const root = new URL('.', document.baseURI).href.slice(0, -1);
/** @type {NodeListOf<HTMLInputElement>} */
const radios = document.querySelectorAll('input[name="view"]');

/** @type {Settings} what is shown; the form may already say otherwise */
let settings = { ...DEFAULTS };
/** The address of what is shown; empty where nothing was read yet. */
let shownUrl = '';
/** @type {State} */
let state = { name: 'idle' };
/** @type {readonly Topic[]} */
let topics = [];
/** @type {Access} */
let access = { name: 'open', why: '' };

const received = new Received();
const paint = oncePerFrame(render);
const log = new MessageLog();
const announcer = new Announcer(byId('announcer'));
const stream = new Stream(showState, take);
const form = new SettingsForm(root, go, paint);
const signIn = new SignIn(root, changeUser);
const inspector = new Inspector(byId('inspector'), startAfter, () => byId('grid').focus());
const grid = new RecordGrid(
  byId('grid'),
  { messages: byId('messages'), table: byId('rows') },
  {
    open: (record, isByKey) => inspector.open(record, isByKey),
    active: (record) => inspector.isOpen && inspector.open(record, false),
    move: paint,
  },
);

/** A location that nobody chose is for the gateway's topics to choose, which may not have come yet. */
async function go() {
  if (form.read().location === untouched) await offered;
  start();
}

/** Starts what the form says. */
function start() {
  settings = { ...settings, ...form.read() };
  keepAddress();
  read();
}

/** Reads afresh: the stream before it ends, its messages leave. */
function read() {
  const asked = settings;
  received.forget();
  inspector.close();
  shownUrl = currentUrl();
  byId('grid').dataset.told = effectiveFormat(asked, root);
  byId('grid').dataset.topics = severalIn(asked.location, root).length > 0 ? 'several' : 'one';
  try {
    stream.start((lastId) => streamUrl(asked, root, lastId));
  } catch {
    console.log('error', asked.location);
    showState({ name: 'failed', reason: 'this location is not an address' });
  }
}

/** @param {string} id */
function startAfter(id) {
  form.write({ ...settings, ...form.read(), start: 'id', id });
  start();
}

/** @param {State} next */
function showState(next) {
  if ((next.silentMs ?? 0) > keepsDeletesFor()) {
    // Deletes may be gone by now that the table never had: it has to be made anew.
    read();
    return;
  }
  const { name, reason } = next;
  const wasRefused = state.name === 'refused' && state.reason;
  // Somebody's sign-in is over, or was renewed elsewhere.
  if ((name === 'refused' && reason) !== wasRefused) offerTopics();
  state = next;
  const words = describeState({ name }, 0);
  announcer.tellState(reason === undefined ? words : `${words}: ${reason}`);
  paint();
}

/** How long the topic that is read keeps deletes, as far as the gateway tells, in milliseconds. */
function keepsDeletesFor() {
  const kept = topicsIn(settings.location, root, topics).flatMap(
    ({ deleteRetentionMs }) => deleteRetentionMs ?? [],
  );
  return Math.min(...kept);
}

/**
 * @param {'message' | 'delete' | 'leave' | 'gap' | 'live'} type
 * @param {string} data
 * @param {string} id
 */
function take(type, data, id) {
  if (type === 'live') return;
  const now = performance.now();
  const record = received.add(type, data, id, now);
  log.add(type, record.value, now);
  if (type === 'message') heed(record);
  // It says so when it is live again.
  const isWhole = !['recreated', 'deletes', 'view'].includes(record.reason);
  if (!isWhole && stream.progress === 'live') stream.comesTo('replaying');
  paint();
}

/**
 * Some servers have values alone, whatever they are asked for.
 * @param {StreamRecord} record
 */
function heed({ partition, topic }) {
  byId('grid').dataset.told = partition === null ? 'text' : 'json';
  byId('grid').dataset.topics = topic === null ? 'one' : 'several';
  if (partition === null && stream.progress === 'replaying') stream.comesTo('open');
}

function render() {
  const { view } = settings;
  received.settle();
  const source = view === 'table' ? received.shown.table : received.shown.list;
  grid.render(view, source);
  byId('newest').hidden = grid.isFollowing || source.length === 0;
  setText(byId('newest'), view === 'table' ? 'Top' : 'Newest');
  showStatus(state, {
    records: received.records,
    perSecond: received.perSecond(performance.now()),
    keys: received.keys,
    gaps: received.gaps,
    lastId: stream.lastId,
  });
  renderName();
  renderTools(source.length);
  renderEmpty(source.length === 0);
}

/** Which stream it is that shows, and what the form would put in its place. */
function renderName() {
  const name = shownUrl === '' ? '' : streamName(settings.location, root);
  setText(byId('stream-name'), name);
  byId('stream-name').hidden = name === '';
  const title = name === '' ? [] : [name, describeState({ name: state.name }, 0)];
  const whole = [...title, 'sse-kafka-fanout'].join(' · ');
  if (document.title !== whole) document.title = whole;
  const next = streamName(form.read().location, root);
  const isPending = name !== '' && currentUrl() !== shownUrl;
  byId('pending').hidden = !isPending;
  const words = next === name ? 'Go takes what has changed above' : `Go reads ${next} in its place`;
  setText(byId('pending'), isPending ? words : '');
}

/** @param {number} length of what shows */
function renderTools(length) {
  const { view, filter } = settings;
  const { list, table } = received.shown;
  byId('stop').disabled = AT_REST.has(state.name);
  byId('pause').dataset.on = `${received.isPaused}`;
  const resume = `Resume (${formatCount(received.waiting)} new)`;
  setText(byId('pause'), received.isPaused ? resume : 'Pause');
  byId('clear').disabled = view === 'table' || list.kept === 0;
  const all = view === 'table' ? table.keys : list.kept;
  const count = filter === '' ? '' : `${formatCount(length)} of ${formatCount(all)}`;
  setText(byId('filter-count'), count);
}

/** @param {boolean} isEmpty */
function renderEmpty(isEmpty) {
  byId('empty').hidden = !isEmpty;
  if (!isEmpty) return;
  const { list, table } = received.shown;
  const situation = {
    state,
    settings,
    kept: list.kept,
    hasKeys: table.keys > 0,
    isElsewhere: !settings.location.startsWith(`${root}/`),
  };
  const { title, text, isPublishing } = emptyWords(situation);
  setText(byId('empty-title'), title);
  setText(byId('empty-text'), text);
  byId('publish').hidden = !isPublishing;
  setText(byId('publish-topic'), topicOf(form.read().location));
}

/** What the form says, as an address. */
function currentUrl() {
  try {
    return streamUrl({ ...settings, ...form.read() }, root);
  } catch {
    return root;
  }
}

/** @param {string} place */
function topicOf(place) {
  const path = URL.canParse(place, root) ? new URL(place, root).pathname : '';
  return path.split('/').pop()?.split(',')[0] || 'events';
}

function keepAddress() {
  history.replaceState(null, '', addressOf(settings, root));
}

/** @param {Partial<Settings>} changes of what is shown, not of what is read */
function view(changes) {
  settings = { ...settings, ...changes };
  received.setFilter(settings.filter);
  keepAddress();
  paint();
}

/** Shows what the page's address says; a stream of the page's own gateway starts by itself. */
function followAddress() {
  settings = readAddress(location.hash, root);
  form.write({ ...settings, location: settings.location || `${root}/events` });
  byId('filter').value = settings.filter;
  for (const radio of radios) radio.checked = radio.value === settings.view;
  received.setFilter(settings.filter);
  const isLinked = settings.location.startsWith(`${root}/`);
  if (isLinked) start();
  paint();
  return isLinked;
}

async function offerTopics() {
  ({ topics, access } = await loadTopics(root));
  const [first] = topics;
  const asked = form.read();
  if (first !== undefined && asked.location === untouched) {
    form.write({ ...settings, ...asked, location: root + first.path });
  }
  form.offer(topics);
  paint();
  signIn.show(access);
  return access;
}

/**
 * Somebody has signed in, or out: nothing of who was there before is left.
 * @param {'same' | 'other' | 'none'} user
 */
async function changeUser(user) {
  const isReading = !AT_REST.has(state.name);
  if (user === 'same') {
    stream.askAgain();
  } else {
    if (user === 'none' && isReading) stream.stop();
    received.forget();
    inspector.close();
    paint();
    if (user === 'other' && isReading) read();
  }
  return offerTopics();
}

byId('stop').addEventListener('click', () => stream.stop());
byId('clear').addEventListener('click', () => {
  received.clear();
  paint();
});
byId('pause').addEventListener('click', () => {
  received.pause(!received.isPaused);
  paint();
});
byId('newest').addEventListener('click', () => grid.follow());
byId('filter').addEventListener('input', () => view({ filter: byId('filter').value }));
for (const radio of radios) {
  radio.addEventListener('change', () =>
    view({ view: radio.value === 'table' ? 'table' : 'messages' }),
  );
}
byId('panes').addEventListener('keydown', (/** @type {KeyboardEvent} */ { key }) => {
  if (key === 'Escape') inspector.close();
});
copyMenu(byId('copy'), byId('commands'), currentUrl, () => {
  const isOwn = currentUrl().startsWith(`${root}/`);
  return isOwn && access.name !== 'open';
});
copiesOnClick(byId('copy-id'), () => stream.lastId);
copiesOnClick(byId('copy-publish'), () => byId('publish-command').textContent);
addEventListener('hashchange', followAddress);
addEventListener('online', () => stream.retryNow());
setInterval(() => {
  log.settle(performance.now());
  if (AT_REST.has(state.name)) return;
  announcer.tellCount(received.records, performance.now());
  paint();
}, TICK_MS);

const isLinked = followAddress();
/** The location as long as nobody has chosen one. */
const untouched = isLinked ? '' : form.read().location;
const offered = offerTopics();
