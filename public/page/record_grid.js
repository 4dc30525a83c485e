import { RecordRow } from './record_row.js';
import { VirtualList } from './virtual_list.js';

/** @import { RecordList } from './record_list.js' */
/** @import { RecordTable, TableRow } from './record_table.js' */
/** @import { StreamRecord } from './stream_record.js' */
/** @typedef {StreamRecord | TableRow} Item */

/** A short list is whole for who searches the page, or reads it with a program. */
const MIN_MESSAGES = 100;

/** How far a key moves on from the active row. */
const STEPS = new Map([
  ['ArrowUp', () => -1],
  ['ArrowDown', () => 1],
  ['PageUp', (/** @type {number} */ page) => -page],
  ['PageDown', (/** @type {number} */ page) => page],
  ['Home', () => Number.NEGATIVE_INFINITY],
  ['End', () => Number.POSITIVE_INFINITY],
]);

/** The list of messages and the table of keys: one grid, of which one part shows. */
export class RecordGrid {
  #grid;
  #onOpen;
  #onActive;
  #onMove;
  /** @type {{ messages: HTMLElement, table: HTMLElement }} */
  #groups;
  /** @type {{ messages: VirtualList<StreamRecord>, table: VirtualList<TableRow> }} */
  #lists;
  /** @type {WeakMap<HTMLElement, RecordRow>} */
  #rows = new WeakMap();
  /** @type {'messages' | 'table'} */
  #view = 'messages';
  /** @type {RecordList | RecordTable | null} */
  #source = null;
  /** @type {Item | null} the row that the keyboard stands on */
  #active = null;
  #ids = 0;
  /** @type {readonly string[]} */
  #fields = [];

  /**
   * @param {HTMLElement} grid what scrolls, and has the focus
   * @param {{ messages: HTMLElement, table: HTMLElement }} groups
   * @param {object} on
   * @param {(item: Item, isByKey: boolean) => void} on.open
   * @param {(item: Item) => void} on.active the keyboard stands on another one
   * @param {() => void} on.move after which it has to be rendered
   */
  constructor(grid, groups, on) {
    this.#grid = grid;
    this.#groups = groups;
    this.#onOpen = on.open;
    this.#onActive = on.active;
    this.#onMove = on.move;
    this.#lists = {
      messages: new VirtualList(
        grid,
        groups.messages,
        (record, row) => row ?? this.#row(record),
        MIN_MESSAGES,
      ),
      table: new VirtualList(grid, groups.table, (item, row) => this.#tableRow(item, row)),
    };
    grid.addEventListener('scroll', () => on.move(), { passive: true });
    grid.addEventListener('keydown', (event) => this.#onKey(event));
    grid.addEventListener('click', ({ target }) => this.#onClick(target));
    new ResizeObserver(() => {
      this.#lists.messages.resized();
      this.#lists.table.resized();
      on.move();
    }).observe(grid);
  }

  /** Whether it shows what is newest, and goes on to. */
  get isFollowing() {
    return this.#grid.scrollTop < 1 && this.#active === null;
  }

  /**
   * @param {'messages' | 'table'} view
   * @param {RecordList | RecordTable} source
   */
  render(view, source) {
    if (view !== this.#view) this.#turnTo(view);
    this.#source = source;
    const list = /** @type {VirtualList<Item>} */ (this.#lists[view]);
    list.render(source, this.#active !== null);
    this.#markActive();
  }

  /**
   * Shows what is there anew, after a change of how.
   * @param {readonly string[]} fields of JSON values to show in the table; none: the values
   */
  redraw(fields) {
    this.#fields = fields;
    this.#lists.messages.redraw();
    this.#lists.table.redraw();
    this.#onMove();
  }

  /**
   * To a row above or below, as the arrow keys do.
   * @param {number} rows
   */
  step(rows) {
    this.#move(rows);
  }

  /** Back to the newest. */
  follow() {
    this.#active = null;
    this.#grid.scrollTop = 0;
    this.#onMove();
  }

  /** @param {'messages' | 'table'} view */
  #turnTo(view) {
    this.#view = view;
    this.#active = null;
    this.#grid.dataset['view'] = view;
    this.#grid.setAttribute(
      'aria-label',
      view === 'table' ? 'Latest of each key' : 'Messages, newest first',
    );
    this.#groups.messages.hidden = view !== 'messages';
    this.#groups.table.hidden = view !== 'table';
    this.#grid.scrollTop = 0;
  }

  /**
   * @param {StreamRecord} record
   * @param {readonly string[]} [fields]
   */
  #row(record, fields) {
    const row = new RecordRow(fields);
    row.show(record);
    this.#rows.set(row.element, row);
    return row.element;
  }

  /**
   * @param {TableRow} item
   * @param {HTMLElement} [known]
   */
  #tableRow({ record }, known) {
    if (known === undefined) return this.#row(record, this.#fields);
    this.#rows.get(known)?.show(record, true);
    return known;
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const { key, ctrlKey, metaKey, altKey } = event;
    if (ctrlKey || metaKey || altKey || this.#source === null) return;
    const step = STEPS.get(key);
    if (step !== undefined) this.#move(step(this.#lists[this.#view].pageSize));
    else if (key === 'Enter' && this.#active !== null) this.#onOpen(this.#active, true);
    else if (key === 'Escape' && this.#active !== null) this.follow();
    else return;
    event.preventDefault();
  }

  /** @param {number} step */
  #move(step) {
    const source = /** @type {import('./virtual_list.js').Source<Item>} */ (this.#source);
    if (source.length === 0) return;
    const from = this.#active === null ? -1 : source.indexOf(this.#active);
    // The first key takes what is first in sight, whichever way it points.
    const to =
      from === -1 && Number.isFinite(step) ? this.#lists[this.#view].firstSeen : from + step;
    const index = Math.min(Math.max(to, 0), source.length - 1);
    this.#active = source.at(index) ?? null;
    this.#lists[this.#view].reveal(index);
    // Below the last row stands what is not kept.
    if (index === source.length - 1) this.#grid.scrollTop = this.#grid.scrollHeight;
    if (this.#active !== null) this.#onActive(this.#active);
    this.#onMove();
  }

  #markActive() {
    const grid = this.#grid;
    const list = /** @type {VirtualList<Item>} */ (this.#lists[this.#view]);
    const row = this.#active === null ? undefined : list.rowOf(this.#active);
    const before = grid.querySelector('[aria-selected="true"]');
    if (before !== row) before?.removeAttribute('aria-selected');
    if (row === undefined || this.#active === null) {
      grid.removeAttribute('aria-activedescendant');
      return;
    }
    row.id ||= `row-${++this.#ids}`;
    const index = this.#source?.indexOf(/** @type {any} */ (this.#active)) ?? -1;
    // Behind the row of the headings, counted from 1.
    row.setAttribute('aria-rowindex', `${index + 2}`);
    row.setAttribute('aria-selected', 'true');
    grid.setAttribute('aria-rowcount', `${(this.#source?.length ?? 0) + 1}`);
    grid.setAttribute('aria-activedescendant', row.id);
  }

  /** @param {EventTarget | null} target */
  #onClick(target) {
    // Who selects text does not want to open anything.
    if (!(target instanceof Element) || !document.getSelection()?.isCollapsed) return;
    const row = target.closest('p');
    const list = /** @type {VirtualList<Item>} */ (this.#lists[this.#view]);
    const item = row === null ? undefined : list.itemOf(row);
    if (item === undefined) return;
    this.#active = item;
    this.#onMove();
    this.#onOpen(item, false);
  }
}
