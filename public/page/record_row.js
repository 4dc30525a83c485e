import { formatTime } from './clock.js';
import { fieldText } from './json_fields.js';
import { showMarked } from './marks.js';
import { formatKey } from './record_words.js';

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
  #fields;

  /** @param {readonly string[]} [fields] of a JSON value to show in its place */
  constructor(fields = []) {
    this.element = document.createElement('p');
    this.element.setAttribute('role', 'row');
    this.#fields = fields;
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
    const { kind, isBinaryValue, partition, offset, timestamp, received, key } = record;
    const { time, ...cells } = this.#cells;
    time.dataset['text'] = formatTime(timestamp ?? received, received);
    cells.topic.dataset['text'] = record.topic ?? '';
    cells.partition.dataset['text'] = `${partition ?? ''}`;
    cells.offset.dataset['text'] = `${offset ?? ''}`;
    cells.key.dataset['text'] = formatKey(record);
    cells.key.classList.toggle('none', key === null);
    this.#value.classList.toggle('binary', isBinaryValue);
    this.#value.classList.toggle('unread', record.error !== '');
    this.#showValue(record);
    const turn = this.element.classList.contains('changed') ? 'changed-again' : 'changed';
    this.element.className = `row ${kind} ${isChange ? turn : ''}`;
    this.#record = record;
  }

  /** @param {StreamRecord} record */
  #showValue({ kind, value }) {
    const texts = this.#fields.map((field) => fieldText(value, field));
    const hasFields = texts.some((text) => text !== null);
    this.#value.classList.toggle('fields', hasFields);
    if (hasFields) {
      this.#value.replaceChildren(
        ...texts.map((text, index) => fieldCell(this.#fields[index] ?? '', text)),
      );
      return;
    }
    const line = kind === 'gap' ? value.replaceAll('\n', ' · ') : value;
    const shown = line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line;
    showMarked(this.#value, shown, false);
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

/**
 * @param {string} name
 * @param {string | null} text null: the value has no such field
 */
function fieldCell(name, text) {
  const cell = document.createElement('span');
  cell.className = text === null ? 'member none' : 'member';
  cell.dataset['name'] = name;
  showMarked(cell, text ?? '', false);
  return cell;
}
