const OVERSCAN = 20;

/**
 * What there is to show, in order.
 * @template T
 * @typedef {{ readonly length: number, at(index: number): T | undefined, indexOf(item: T): number }} Source
 */

/**
 * Keeps the rows in the document that are seen, or nearly; rows are of one height. At the top it
 * follows what comes; elsewhere what is seen stays where it is.
 * @template {object} T
 */
export class VirtualList {
  #viewport;
  #container;
  #createRow;
  #minRows;
  /** @type {Map<T, HTMLElement>} */
  #rows = new Map();
  /** @type {T | undefined} what was on top */
  #first;
  #rowHeight = 0;

  /**
   * @param {HTMLElement} viewport what scrolls
   * @param {HTMLElement} container of the rows
   * @param {(item: T, row?: HTMLElement) => HTMLElement} createRow brings a row that is there up to date
   * @param {number} [minRows] so many are there even if fewer are seen
   */
  constructor(viewport, container, createRow, minRows = 0) {
    this.#minRows = minRows;
    this.#viewport = viewport;
    this.#container = container;
    this.#createRow = createRow;
  }

  /** After a change of the height of rows. */
  resized() {
    this.#rowHeight = 0;
  }

  /** Rows that are there are made anew with the next render. */
  redraw() {
    for (const row of this.#rows.values()) row.remove();
    this.#rows.clear();
  }

  /**
   * @param {Source<T>} source
   * @param {boolean} isHeld stays where it is at the top, too
   */
  render(source, isHeld) {
    const { length } = source;
    const height = this.#measure(source);
    const viewport = this.#viewport;
    let { scrollTop } = viewport;
    const moved = this.#first === undefined ? 0 : Math.max(source.indexOf(this.#first), 0);
    const isFollowing = scrollTop < 1 && !isHeld;
    if (!isFollowing) scrollTop += moved * height;
    const top = Math.min(Math.floor(scrollTop / height), length);
    const seen = Math.ceil(viewport.clientHeight / height) + 1;
    const from = Math.max(0, top - OVERSCAN);
    const to = Math.min(length, Math.max(top + seen + OVERSCAN, from + this.#minRows));
    this.#container.style.paddingTop = `${from * height}px`;
    this.#container.style.paddingBottom = `${(length - to) * height}px`;
    this.#place(source, from, to);
    if (!isFollowing && moved > 0) viewport.scrollTop = scrollTop;
    this.#first = source.at(0);
  }

  /**
   * The row of an item, if it is there.
   * @param {T} item
   */
  rowOf(item) {
    return this.#rows.get(item);
  }

  /**
   * The item of a row.
   * @param {HTMLElement} row
   */
  itemOf(row) {
    for (const [item, known] of this.#rows) if (known === row) return item;
    return undefined;
  }

  /** The index of what is on top of what is seen. */
  get firstSeen() {
    return Math.ceil(this.#viewport.scrollTop / Math.max(1, this.#rowHeight));
  }

  /**
   * Scrolls as little as it takes for an item to be seen.
   * @param {number} index
   */
  reveal(index) {
    const height = this.#rowHeight;
    const viewport = this.#viewport;
    const room = viewport.clientHeight - this.#container.offsetTop;
    const top = index * height;
    if (top < viewport.scrollTop) viewport.scrollTop = top;
    if (top + height > viewport.scrollTop + room) viewport.scrollTop = top + height - room;
  }

  /** How many rows fit. */
  get pageSize() {
    const room = this.#viewport.clientHeight - this.#container.offsetTop;
    return Math.max(1, Math.floor(room / Math.max(1, this.#rowHeight)) - 1);
  }

  /**
   * @param {Source<T>} source
   * @param {number} from
   * @param {number} to
   */
  #place(source, from, to) {
    const wanted = new Set();
    for (let i = from; i < to; i++) wanted.add(source.at(i));
    for (const [item, row] of this.#rows) {
      if (wanted.has(item)) continue;
      row.remove();
      this.#rows.delete(item);
    }
    let next = this.#container.firstChild;
    for (const item of wanted) {
      const known = this.#rows.get(item);
      const row = this.#createRow(item, known);
      if (known === undefined) this.#rows.set(item, row);
      if (row === next) next = next.nextSibling;
      else this.#container.insertBefore(row, next);
    }
  }

  /** @param {Source<T>} source */
  #measure(source) {
    const first = source.at(0);
    if (this.#rowHeight === 0 && first !== undefined) {
      if (this.#rows.size === 0) this.#place(source, 0, 1);
      const [row] = this.#rows.values();
      this.#rowHeight = row?.getBoundingClientRect().height || 0;
    }
    return this.#rowHeight || 1;
  }
}
