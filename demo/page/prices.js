/**
 * A price, as it stands in Kafka.
 *
 * @typedef {{ symbol: string, price: number, change: number, seq: number }} Price
 */

/** The table of all prices: what changes is written once a frame. */
export class Prices {
  #body;
  #onPick;
  /** @type {Map<string, { row: HTMLTableRowElement, price: Text, change: Text, cell: HTMLElement }>} */
  #rows = new Map();
  /** @type {Map<string, Price>} */
  #changed = new Map();

  /** @param {HTMLElement} body @param {(symbol: string) => void} onPick */
  constructor(body, onPick) {
    this.#body = body;
    this.#onPick = onPick;
  }

  /** @param {Price} price */
  put(price) {
    this.#changed.set(price.symbol, price);
  }

  draw() {
    if (this.#changed.size === 0) return;
    const isGrown =
      this.#rows.size === 0 || [...this.#changed.keys()].some((it) => !this.#rows.has(it));
    for (const [symbol, { price, change }] of this.#changed) {
      const row = this.#rows.get(symbol) ?? this.#add(symbol);
      row.price.data = price.toFixed(2);
      row.change.data = `${change < 0 ? '▼' : '▲'} ${Math.abs(change).toFixed(2)} %`;
      row.cell.className = change < 0 ? 'down' : 'up';
    }
    this.#changed.clear();
    if (!isGrown) return;
    const names = [...this.#rows.keys()].sort();
    this.#body.append(...names.map((name) => /** @type {any} */ (this.#rows.get(name)).row));
  }

  /** @param {string} symbol */
  mark(symbol) {
    for (const [name, { row }] of this.#rows) {
      if (name === symbol) row.setAttribute('aria-current', 'true');
      else row.removeAttribute('aria-current');
    }
  }

  /** @param {string} symbol */
  #add(symbol) {
    const row = document.createElement('tr');
    const head = row.appendChild(document.createElement('th'));
    head.scope = 'row';
    head.textContent = symbol;
    const price = row.insertCell().appendChild(new Text());
    const cell = row.insertCell();
    const change = cell.appendChild(new Text());
    row.addEventListener('click', () => this.#onPick(symbol));
    const made = { row, price, change, cell };
    this.#rows.set(symbol, made);
    return made;
  }
}
