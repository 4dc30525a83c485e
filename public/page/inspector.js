import { copiesOnClick } from './clipboard.js';
import { jsonTree } from './json_tree.js';
import { formatKey } from './record_words.js';

/** @import { StreamRecord } from './stream_record.js' */

/** One record in full. It stays when the record has long left the list. */
export class Inspector {
  #aside;
  #onStartAfter;
  #onClose;

  /**
   * @param {HTMLElement} aside
   * @param {(id: string) => void} onStartAfter
   * @param {() => void} onClose
   */
  constructor(aside, onStartAfter, onClose) {
    this.#aside = aside;
    this.#onStartAfter = onStartAfter;
    this.#onClose = onClose;
  }

  get isOpen() {
    return !this.#aside.hidden;
  }

  /**
   * @param {StreamRecord} record
   * @param {boolean} takesFocus
   */
  open(record, takesFocus) {
    const { kind, value, isBinaryValue, id, headers } = record;
    const tree = kind === 'message' && !isBinaryValue ? jsonTree(value) : null;
    this.#aside.replaceChildren(
      this.#head(record),
      facts(record),
      ...(headers.length > 0 ? [title('Headers'), headersOf(headers)] : []),
      title(isBinaryValue ? 'Value, base64' : 'Value', value),
      ...(tree === null ? [] : [tree]),
      raw(value, tree !== null),
      ...(id === '' ? [] : [title('Id', id), raw(id, false), this.#startAfter(id)]),
    );
    this.#aside.hidden = false;
    this.#aside.scrollTop = 0;
    if (takesFocus) this.#aside.focus();
  }

  close() {
    if (!this.isOpen) return;
    this.#aside.hidden = true;
    this.#aside.replaceChildren();
    this.#onClose();
  }

  /** @param {StreamRecord} record */
  #head({ kind }) {
    const head = document.createElement('div');
    head.className = 'inspector-head';
    const words = { message: 'Message', delete: 'Delete', leave: 'Leave', gap: 'Gap' };
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Close';
    button.addEventListener('click', () => this.close());
    head.append(element('h2', words[kind]), button);
    return head;
  }

  /** @param {string} id */
  #startAfter(id) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Start after this one';
    button.addEventListener('click', () => this.#onStartAfter(id));
    return button;
  }
}

/** @param {StreamRecord} record */
function facts(record) {
  const { timestamp, received, partition, offset, key, schema, error } = record;
  const list = document.createElement('dl');
  const rows = [
    ['Key', key === undefined ? null : formatKey(record)],
    ['Time', timestamp === null ? null : new Date(timestamp).toISOString()],
    ['Received', new Date(received).toISOString()],
    ['Partition', partition],
    ['Offset', offset],
    ['Schema', schema],
    ['Not read', error === '' ? null : error],
  ];
  for (const [name, value] of rows) {
    if (value === null) continue;
    list.append(element('dt', `${name}`), element('dd', `${value}`));
  }
  return list;
}

/** @param {StreamRecord['headers']} headers */
function headersOf(headers) {
  const list = document.createElement('dl');
  for (const [name, value, base64] of headers) {
    const text = value ?? (base64 === undefined ? 'null' : `base64 ${base64}`);
    list.append(element('dt', name), element('dd', text));
  }
  return list;
}

/**
 * @param {string} text
 * @param {string} [copied] what its button copies
 */
function title(text, copied) {
  const head = document.createElement('div');
  head.className = 'part';
  head.append(element('h3', text));
  if (copied !== undefined) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'quiet';
    button.textContent = 'Copy';
    button.setAttribute('aria-label', `Copy: ${text}`);
    copiesOnClick(button, () => copied);
    head.append(button);
  }
  return head;
}

/**
 * @param {string} text
 * @param {boolean} isFolded
 */
function raw(text, isFolded) {
  const pre = element('pre', text);
  if (!isFolded) return pre;
  const details = document.createElement('details');
  details.className = 'raw';
  details.append(element('summary', 'As it came'), pre);
  return details;
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
