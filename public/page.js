import { addressOf, DEFAULTS, NEWEST, ownPath, readAddress } from './page/address.js';
import { Announcer } from './page/announcer.js';
import { copiesOnClick } from './page/clipboard.js';
import { setUtc, zoneName } from './page/clock.js';
import { copyMenu } from './page/copy_menu.js';
import { emptyWords } from './page/empty_words.js';
import { fieldMenu } from './page/field_menu.js';
import { oncePerFrame } from './page/frame.js';
import { showHints } from './page/hints.js';
import { Inspector } from './page/inspector.js';
import { keptWords } from './page/kept_words.js';
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
import { effectiveFormat, effectiveStart, streamUrl } from './page/stream_url.js';
import { loadTopics } from './page/topics.js';

/** @import { Settings } from './page/address.js' */
/** @import { TableRow } from './page/record_table.js' */
/** @import { State } from './page/stream.js' */
/** @import { StreamRecord } from './page/stream_record.js' */
/** @import { Access, Topic } from './page/topics.js' */

const FROM_NEWEST = `Read from the newest ${NEWEST} of each partition on: “the beginning” has what is older`;
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
/** What is read, where nothing is left to be chosen. */
let asked = settings;
/** The address of what is shown; empty where nothing was read yet. */
let shownUrl = '';
/** Counts what was asked for, so that what has waited knows whether it still is. */
let turn = 0;
/** @type {State} */
let state = { name: 'idle' };
/** @type {readonly Topic[]} */
let topics = [];
/** @type {string | null} */
let brokers = null;
/** @type {Access} */
let access = { name: 'open', why: '' };

const received = new Received();
const paint = oncePerFrame(render);
const log = new MessageLog();
const announcer = new Announcer(byId('announcer'));
const stream = new Stream(showState, take);
const form = new SettingsForm(root, start, paint);
const signIn = new SignIn(root, changeUser);
const inspector = new Inspector(byId('inspector'), {
  startAfter,
  step: (rows) => grid.step(rows),
  close: () => {
    received.watch(null);
    byId('grid').focus();
  },
});
const grid = new RecordGrid(
  byId('grid'),
  { messages: byId('messages'), table: byId('rows') },
  {
    open: look,
    active: (item) => inspector.isOpen && look(item, false),
    move: paint,
  },
);

/**
 * Shows a record in full; one of the table for as long as its key has one.
 * @param {StreamRecord | TableRow} item
 * @param {boolean} takesFocus
 */
function look(item, takesFocus) {
  const row = 'record' in item ? item : null;
  received.watch(row);
  inspector.open(row === null ? /** @type {StreamRecord} */ (item) : row.record, takesFocus);
}

/** Starts what the form says. What nobody chose fits the gateway's topics, which may not have come yet. */
async function start() {
  const { location, start } = form.read();
  const own = ++turn;
  form.showFault('');
  if (location === untouched || (start === 'auto' && isOwn(location))) {
    showState({ name: 'connecting', since: Date.now() });
    await offered;
    const isUnknown = topicsIn(location, root, topics).some(({ compacted }) => compacted === null);
    if (isUnknown) await offerTopics();
    if (own !== turn) return;
  }
  settings = { ...settings, ...form.read() };
  form.fold(true);
  keepAddress();
  read();
}

/** @param {string} location */
function isOwn(location) {
  return ownPath(location, root) !== null;
}

function stop() {
  turn++;
  stream.stop();
}

/** Reads afresh: the stream before it ends, its messages leave. */
function read() {
  const reading = { ...settings, start: effectiveStart(settings, root, topics) };
  asked = reading;
  received.forget();
  inspector.close();
  grid.follow();
  shownUrl = currentUrl();
  byId('grid').dataset.told = effectiveFormat(reading, root);
  byId('grid').dataset.topics = severalIn(reading.location, root).length > 0 ? 'several' : 'one';
  try {
    stream.start((lastId) => streamUrl(reading, root, lastId));
  } catch {
    console.log('error', reading.location);
    showState({ name: 'failed', reason: 'this location is not an address' });
  }
}

/** @param {string} id */
function startAfter(id) {
  form.write({ ...form.read(), start: 'id', id });
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
  if (name === 'failed' || name === 'idle') form.fold(false);
  if (name === 'failed') form.showFault(reason ?? '');
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
  const kept = keptWords(view, received.shown);
  grid.render(view, source);
  const { watched } = received.shown.table;
  if (watched !== null) inspector.follow(watched);
  byId('newest').hidden = grid.isFollowing || source.length === 0;
  setText(byId('newest'), view === 'table' ? 'Top' : 'Newest');
  showStatus(
    state,
    {
      records: received.records,
      perSecond: received.perSecond(performance.now()),
      keys: received.keys,
      gaps: received.gaps,
      lastId: stream.lastId,
    },
    kept,
  );
  // It stands beside the field.
  byId('reason').hidden = !byId('fault').hidden;
  renderName();
  showHints(form.read().location, root, topics, brokers);
  renderTools(source.length);
  const end = [kept.end, asked.start === 'newest' ? FROM_NEWEST : ''].filter(Boolean).join('; ');
  byId('end').hidden = source.length === 0 || end === '';
  setText(byId('end-words'), end);
  renderEmpty(source.length === 0, kept.end);
}

/** Which stream it is that shows, and what the form would put in its place. */
function renderName() {
  const name = shownUrl === '' ? '' : streamName(settings.location, root);
  const { key, where } = settings;
  const filters = [key && `key ${key}`, where && `where ${where}`].filter(Boolean);
  setText(byId('stream-name'), [name, ...filters].join(' · '));
  byId('stream-name').hidden = name === '';
  const title = name === '' ? [] : [name, describeState({ name: state.name }, 0)];
  const whole = [...title, 'sse-kafka-fanout'].join(' · ');
  if (document.title !== whole) document.title = whole;
  setText(byId('form-words'), form.words);
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
  byId('stop-folded').hidden = AT_REST.has(state.name);
  byId('pause').dataset.on = `${received.isPaused}`;
  byId('fields').hidden = view !== 'table';
  byId('fields').dataset.on = `${settings.fields.length > 0}`;
  const resume = `Resume (${formatCount(received.waiting)} new)`;
  setText(byId('pause'), received.isPaused ? resume : 'Pause');
  byId('clear').disabled = view === 'table' || list.kept === 0;
  const all = view === 'table' ? table.keys : list.kept;
  const count = filter === '' ? '' : `${formatCount(length)} of ${formatCount(all)}`;
  setText(byId('filter-count'), count);
}

/**
 * @param {boolean} isEmpty
 * @param {string} end what came and is not kept, in words
 */
function renderEmpty(isEmpty, end) {
  byId('empty').hidden = !isEmpty;
  if (!isEmpty) return;
  const { list, table } = received.shown;
  const situation = {
    state,
    settings: { ...settings, start: asked.start },
    kept: list.kept,
    keys: table.keys,
    end,
    isElsewhere: !isOwn(settings.location),
  };
  const { title, text, isPublishing, isAsking } = emptyWords(situation);
  setText(byId('empty-title'), title);
  setText(byId('empty-text'), text);
  byId('ask-key').hidden = !isAsking;
  setText(byId('ask-key'), `Ask the gateway for the key “${settings.filter}”`);
  byId('publish').hidden = !isPublishing;
}

/** Reads one key alone, from where it can be found, however long ago it changed. */
function askForKey() {
  const from = asked.start === 'beginning' ? settings.start : 'beginning';
  form.write({ ...form.read(), start: from, key: settings.filter });
  byId('filter').value = '';
  view({ filter: '' });
  byId('grid').focus();
  start();
}

/** What the form says, as an address. */
function currentUrl() {
  try {
    const wanted = { ...settings, ...form.read() };
    return streamUrl({ ...wanted, start: effectiveStart(wanted, root, topics) }, root);
  } catch {
    return root;
  }
}

function keepAddress() {
  history.replaceState(null, '', addressOf(settings, root));
}

/** @param {Partial<Settings>} changes of what is shown, not of what is read */
function view(changes) {
  settings = { ...settings, ...changes };
  if (changes.clock !== undefined) showClock();
  if (changes.fields !== undefined || changes.view !== undefined) showFields();
  received.setFilter(settings.filter);
  keepAddress();
  paint();
}

/** Shows the times by the clock that is chosen. */
function showClock() {
  const isUtc = settings.clock === 'utc';
  form.changeClock(() => setUtc(isUtc));
  byId('utc').dataset.on = `${isUtc}`;
  byId('utc').setAttribute('aria-pressed', `${isUtc}`);
  byId('time-heading').textContent = `Time, ${zoneName(Date.now())}`;
  grid.redraw(settings.fields);
  inspector.redraw();
}

/** Shows the chosen fields as columns of the table, or its values. */
function showFields() {
  const { fields } = settings;
  const heading = byId('value-heading');
  const hasFields = fields.length > 0 && settings.view === 'table';
  heading.classList.toggle('fields', hasFields);
  if (hasFields) {
    heading.replaceChildren(
      ...fields.map((field) => {
        const name = document.createElement('span');
        name.className = 'member';
        name.textContent = field;
        return name;
      }),
    );
  } else heading.textContent = 'Value';
  byId('grid').style.setProperty('--fields', `${fields.length}`);
  grid.redraw(fields);
}

/** Values of the rows that show. */
function* shownValues() {
  const { table } = received.shown;
  for (let i = 0; i < table.length; i++) yield table.at(i)?.record.value ?? '';
}

/** Shows what the page's address says; a stream of the page's own gateway starts by itself. */
function followAddress() {
  settings = readAddress(location.hash, root);
  form.write({ ...settings, location: settings.location || `${root}/events` });
  byId('filter').value = settings.filter;
  for (const radio of radios) radio.checked = radio.value === settings.view;
  showClock();
  showFields();
  received.setFilter(settings.filter);
  const isLinked = isOwn(settings.location);
  if (isLinked) start();
  paint();
  return isLinked;
}

async function offerTopics() {
  ({ topics, access, brokers } = await loadTopics(root));
  const [first] = topics;
  const said = form.read();
  if (first !== undefined && said.location === untouched) {
    form.write({ ...said, location: root + first.path });
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
    if (user === 'none' && isReading) stop();
    received.forget();
    inspector.close();
    paint();
  }
  const answer = await offerTopics();
  if (user === 'other' && isReading) read();
  return answer;
}

byId('stop').addEventListener('click', stop);
byId('stop-folded').addEventListener('click', stop);
byId('ask-key').addEventListener('click', askForKey);
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
byId('utc').addEventListener('click', () =>
  view({ clock: settings.clock === 'utc' ? 'local' : 'utc' }),
);
fieldMenu(
  byId('fields'),
  byId('field-names'),
  shownValues,
  () => settings.fields,
  (fields) => view({ fields }),
);
copyMenu(
  byId('copy'),
  byId('commands'),
  currentUrl,
  () => access.name !== 'open' && isOwn(form.read().location),
);
copiesOnClick(byId('copy-id'), () => stream.lastId);
copiesOnClick(byId('copy-publish'), () => byId('publish-command').textContent);
addEventListener('hashchange', followAddress);
addEventListener('online', () => stream.wake());
addEventListener('pageshow', () => stream.wake());
document.addEventListener('resume', () => stream.wake());
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) stream.wake();
});
setInterval(() => {
  log.settle(performance.now());
  if (AT_REST.has(state.name)) return;
  announcer.tellCount(received.records, performance.now());
  paint();
}, TICK_MS);

/** The location as long as nobody has chosen one. */
let untouched = '';
const offered = offerTopics();
if (!followAddress()) untouched = form.read().location;
