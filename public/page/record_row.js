import { formatKey, formatTime } from './record_words.js';

/** @import { StreamRecord } from './stream_record.js' */

/** More than any screen shows of a line; the whole value is in the inspector. */
const MAX_LINE = 10_000;

/**
 * A record as one line. What is known about it stands in attributes that the style sheet shows: the
 * text of the list, and so what a reader selects and copies, is the values alone.
 */
export class RecordRow {
  /** @type {StreamRecord | null} the one that it shows */
  #record = null;
  #cells;
  #value;

  constructor() {
    this.element = document.createElement('p');
    this.element.setAttribute('role', 'row');
    this.#cells = {
      time: this.#add('time'),
      topic: this.#add('topic'),
      partition: this.#add('partition'),
      offset: this.#add('offset'),
      key: this.#add('key'),
    };
    this.#value = this.#add('value');
  }

  /**
   * @param {StreamRecord} record
   * @param {boolean} isChange shows that it changed in place
   */
  show(record, isChange = false) {
    if (record === this.#record) return;
    const { kind, value, isBinaryValue, partition, offset, timestamp, received, key } = record;
    const { time, ...cells } = this.#cells;
    time.dataset['text'] = formatTime(timestamp ?? received, received);
    cells.topic.dataset['text'] = record.topic ?? '';
    cells.partition.dataset['text'] = `${partition ?? ''}`;
    cells.offset.dataset['text'] = `${offset ?? ''}`;
    cells.key.dataset['text'] = formatKey(record);
    cells.key.classList.toggle('none', key === null);
    this.#value.classList.toggle('binary', isBinaryValue);
    this.#value.classList.toggle('unread', record.error !== '');
    const line = kind === 'gap' ? value.replaceAll('\n', ' · ') : value;
    this.#value.textContent = line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line;
    const turn = this.element.classList.contains('changed') ? 'changed-again' : 'changed';
    this.element.className = `row ${kind} ${isChange ? turn : ''}`;
    this.#record = record;
  }

  /** @param {string} name */
  #add(name) {
    const cell = document.createElement('span');
    cell.className = name;
    cell.setAttribute('role', 'gridcell');
    this.element.append(cell);
    return cell;
  }
}
