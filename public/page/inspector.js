import { copiesOnClick } from './clipboard.js';
import { formatFull } from './clock.js';
import { bytesOf, hexDump } from './hex_dump.js';
import { expandAll, jsonTree, openLevels, prettyJson } from './json_tree.js';
import { markedText, showMarked } from './marks.js';
import { formatCount, formatKey } from './record_words.js';
import { setText } from './set_text.js';

/** @import { Watched } from './record_table.js' */
/** @import { StreamRecord } from './stream_record.js' */
/** @typedef {'tree' | 'pretty' | 'raw' | 'hex'} Look how a value is shown */

/** @type {Readonly<Record<Look, string>>} */
const LOOKS = { tree: 'as a tree', pretty: 'in lines', raw: 'as it came', hex: 'in bytes' };
const KINDS = { message: 'Message', delete: 'Delete', leave: 'Leave', gap: 'Gap' };

/**
 * One record in full. It stays when the record has long left the list; one of the table follows its
 * key.
 */
export class Inspector {
  #aside;
  #on;
  #title = element('h2', '');
  /** What became of the key. */
  #fate = element('p', '');
  #body = div();
  /** Of the body, what a record fills. */
  #parts = { facts: div(), headers: div(), value: div(), id: element('pre', '') };
  /** @type {StreamRecord | null} */
  #record = null;
  #changes = 0;
  /** The look that somebody chose, for each record that has it. @type {Look} */
  #look = 'tree';

  /**
   * @param {HTMLElement} aside
   * @param {object} on
   * @param {(id: string) => void} on.startAfter
   * @param {(rows: number) => void} on.step to a row above or below
   * @param {() => void} on.close
   */
  constructor(aside, on) {
    this.#aside = aside;
    this.#on = on;
    const head = div();
    head.className = 'inspector-head';
    const buttons = div();
    buttons.className = 'buttons';
    buttons.append(
      button('Previous', () => on.step(-1)),
      button('Next', () => on.step(1)),
      button('Close', () => this.close()),
    );
    head.append(this.#title, buttons);
    this.#fate.className = 'fate';
    this.#body.className = 'inspector-body';
    aside.replaceChildren(head, this.#fate, this.#body);
  }

  get isOpen() {
    return !this.#aside.hidden;
  }

  /**
   * @param {StreamRecord} record
   * @param {boolean} takesFocus
   */
  open(record, takesFocus) {
    this.#record = record;
    this.#changes = 0;
    this.#aside.hidden = false;
    this.#show();
    this.#aside.scrollTop = 0;
    if (takesFocus) this.#aside.focus();
  }

  /**
   * Brings it up to date with the key of the table that it shows.
   * @param {Watched} watched
   */
  follow({ record, end }) {
    if (!this.isOpen) return;
    if (record === null) {
      const word = end?.kind === 'leave' ? 'Matches no more' : 'Deleted';
      const { timestamp, received } = end ?? {};
      const words =
        end === null
          ? 'No longer kept in the table'
          : `${word} at ${formatFull(timestamp ?? received ?? 0)}`;
      if (this.#fate.textContent === words) return;
      this.#fate.className = 'fate gone';
      this.#fate.textContent = words;
      setText(/** @type {HTMLElement} */ (document.getElementById('announcer')), words);
      return;
    }
    if (record === this.#record) return;
    const before = this.#record === null ? '' : outlineOf(this.#record);
    this.#record = record;
    this.#changes++;
    // What can be clicked stays, or a key that changes often could not be.
    if (outlineOf(record) === before) this.#update(record);
    else this.#show();
  }

  /** Shows the same record anew, after a change of the clock. */
  redraw() {
    if (this.isOpen) this.#show();
  }

  close() {
    if (!this.isOpen) return;
    this.#aside.hidden = true;
    this.#record = null;
    this.#body.replaceChildren();
    this.#on.close();
  }

  #show() {
    const record = this.#record;
    if (record === null) return;
    const { kind, id, headers, isBinaryValue } = record;
    const held = this.#body.contains(document.activeElement)
      ? /** @type {HTMLElement} */ (document.activeElement).dataset['name']
      : undefined;
    const open = openLevels(this.#parts.value);
    setText(this.#title, KINDS[kind]);
    this.#parts = { facts: div(), headers: div(), value: div(), id: element('pre', '') };
    const parts = this.#parts;
    this.#body.replaceChildren(
      parts.facts,
      ...(headers.length > 0 ? [title('Headers'), parts.headers] : []),
      this.#valueHead(
        record,
        title(isBinaryValue ? 'Value, base64' : 'Value', this.#told('value')),
      ),
      parts.value,
      ...(id === '' ? [] : [title('Id', this.#told('id')), parts.id, this.#startAfter()]),
    );
    this.#update(record, open);
    for (const one of this.#body.querySelectorAll('[data-name]')) {
      const { dataset } = /** @type {HTMLElement} */ (one);
      if (held !== undefined && dataset['name'] === held) /** @type {HTMLElement} */ (one).focus();
    }
  }

  /**
   * @param {StreamRecord} record
   * @param {ReadonlySet<string>} open levels of its tree
   */
  #update(record, open = openLevels(this.#parts.value)) {
    const { facts, headers, value, id } = this.#parts;
    const times = this.#changes === 1 ? 'once' : `${formatCount(this.#changes)} times`;
    this.#fate.className = 'fate';
    setText(this.#fate, this.#changes === 0 ? '' : `Changed ${times} since it was opened`);
    facts.replaceChildren(factsOf(record));
    headers.replaceChildren(headersOf(record.headers));
    value.replaceChildren(shownAs(this.#lookAt(record), record, open));
    setText(id, record.id);
  }

  /**
   * @param {StreamRecord} record
   * @param {HTMLElement} head
   */
  #valueHead(record, head) {
    const looks = looksOf(record);
    const look = this.#lookAt(record);
    if (looks.length > 1) {
      const select = document.createElement('select');
      select.setAttribute('aria-label', 'Show the value');
      select.dataset['name'] = 'look';
      select.append(...looks.map((one) => new Option(LOOKS[one], one, false, one === look)));
      select.addEventListener('change', () => {
        this.#look = /** @type {Look} */ (select.value);
        this.#show();
      });
      head.querySelector('h3')?.after(select);
    }
    if (look === 'tree') {
      const expand = button('Expand all', () => expandAll(this.#parts.value));
      expand.className = 'quiet';
      head.querySelector('button')?.before(expand);
    }
    return head;
  }

  /**
   * @param {StreamRecord} record
   * @returns {Look}
   */
  #lookAt(record) {
    const looks = looksOf(record);
    return looks.includes(this.#look) ? this.#look : /** @type {Look} */ (looks[0]);
  }

  /** @param {'value' | 'id'} name */
  #told(name) {
    return () => this.#record?.[name] ?? '';
  }

  #startAfter() {
    return button('Start after this one', () => this.#on.startAfter(this.#told('id')()));
  }
}

/**
 * What there is to click of a record.
 * @param {StreamRecord} record
 */
function outlineOf(record) {
  const { kind, headers, id, isBinaryValue } = record;
  return [kind, headers.length > 0, id !== '', isBinaryValue, ...looksOf(record)].join();
}

/**
 * @param {StreamRecord} record
 * @returns {Look[]}
 */
function looksOf({ kind, value, isBinaryValue, isDecoded }) {
  if (kind !== 'message') return ['raw'];
  if (isBinaryValue) return ['raw', 'hex'];
  const isJson = prettyJson(value) !== null;
  // The bytes of a value that came as JSON are not told.
  return [
    ...(isJson ? /** @type {const} */ (['tree', 'pretty']) : []),
    'raw',
    ...(isDecoded ? [] : /** @type {const} */ (['hex'])),
  ];
}

/**
 * @param {Look} look
 * @param {StreamRecord} record
 * @param {ReadonlySet<string>} open
 */
function shownAs(look, { value, isBinaryValue }, open) {
  const tree = look === 'tree' ? jsonTree(value, open) : null;
  if (tree !== null) return tree;
  if (look === 'hex') return element('pre', hexDump(bytesOf(value, isBinaryValue)));
  const pre = document.createElement('pre');
  showMarked(pre, look === 'pretty' ? (prettyJson(value) ?? value) : value, true);
  return pre;
}

/** @param {StreamRecord} record */
function factsOf(record) {
  const { topic, timestamp, received, partition, offset, key, schema, error } = record;
  const list = document.createElement('dl');
  const rows = [
    ['Topic', topic],
    ['Key', key === undefined ? null : formatKey(record)],
    ['Time', timestamp === null ? null : formatFull(timestamp)],
    ['Received', formatFull(received)],
    ['Partition', partition],
    ['Offset', offset],
    ['Size', sizes(record)],
    ['Schema', schema],
    ['Not read', error === '' ? null : error],
  ];
  for (const [name, value] of rows) {
    if (value === null) continue;
    list.append(element('dt', `${name}`), element('dd', `${value}`));
  }
  return list;
}

/**
 * How many bytes of Kafka it is, as far as that is told.
 * @param {StreamRecord} record
 */
function sizes({ kind, key, isBinaryKey, value, isBinaryValue, isDecoded }) {
  const told = [
    ...(key ? [`key ${formatCount(bytesOf(key, isBinaryKey).length)} B`] : []),
    ...(kind === 'message' && !isDecoded
      ? [`value ${formatCount(bytesOf(value, isBinaryValue).length)} B`]
      : []),
  ];
  return kind === 'gap' || told.length === 0 ? null : told.join(', ');
}

/** @param {StreamRecord['headers']} headers */
function headersOf(headers) {
  const list = document.createElement('dl');
  for (const [name, value, base64] of headers) {
    const text = value ?? (base64 === undefined ? 'null' : `base64 ${base64}`);
    list.append(element('dt', markedText(name)), element('dd', markedText(text)));
  }
  return list;
}

/**
 * @param {string} text
 * @param {() => string} [copied] what its button copies
 */
function title(text, copied) {
  const head = div();
  head.className = 'part';
  head.append(element('h3', text));
  if (copied !== undefined) {
    const copy = button('Copy', () => {});
    copy.className = 'quiet';
    copy.setAttribute('aria-label', `Copy: ${text}`);
    copy.dataset['name'] = text;
    copiesOnClick(copy, copied);
    head.append(copy);
  }
  return head;
}

/**
 * @param {string} text
 * @param {() => void} onClick
 */
function button(text, onClick) {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = text;
  made.addEventListener('click', onClick);
  return made;
}

function div() {
  return document.createElement('div');
}

/**
 * @param {string} name
 * @param {string} text
 */
function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
