const SPAN_MS = 60_000;
const LABEL_MS = 5000;
const MARGIN = 18;

/** @typedef {{ at: number, price: number }} Point */

/** One of all prices over the last minute. */
export class Chart {
  #canvas;
  #name = '';
  /** Of all of them, so that the next one to be shown is there. @type {Map<string, Point[]>} */
  #points = new Map();
  #labelledAt = 0;
  #isOld = true;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    const redraw = () => {
      this.#isOld = true;
    };
    new ResizeObserver(redraw).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  }

  get last() {
    return this.#shown.at(-1)?.price.toFixed(2) ?? '';
  }

  get #shown() {
    return this.#points.get(this.#name) ?? [];
  }

  /** @param {string} name */
  show(name) {
    this.#name = name;
    this.#labelledAt = 0;
    this.#isOld = true;
  }

  /** @param {string} name @param {number} at @param {number} price */
  add(name, at, price) {
    const points = this.#points.get(name) ?? [];
    this.#points.set(name, points);
    points.push({ at, price });
    while (/** @type {Point} */ (points[0]).at < at - SPAN_MS) points.shift();
    if (name === this.#name) this.#isOld = true;
  }

  draw() {
    if (!this.#isOld) return;
    this.#isOld = false;
    const points = this.#shown;
    const end = points.at(-1)?.at ?? 0;
    const { width, height, context } = this.#clear();
    if (points.length === 0) return;
    const prices = points.map(({ price }) => price);
    const [low, high] = [Math.min(...prices), Math.max(...prices)];
    const room = high - low || 1;
    // Both are another by dark, and by forced colors.
    const { color, stroke } = getComputedStyle(this.#canvas);
    context.fillStyle = color;
    context.font = '12px system-ui, sans-serif';
    context.fillText(high.toFixed(2), 0, 12);
    context.fillText(low.toFixed(2), 0, height - 2);
    context.strokeStyle = stroke;
    context.lineWidth = 1.5;
    context.lineJoin = 'round';
    context.beginPath();
    for (const { at, price } of points) {
      const x = width - ((end - at) / SPAN_MS) * width;
      context.lineTo(x, MARGIN + (1 - (price - low) / room) * (height - 2 * MARGIN));
    }
    context.stroke();
    this.#label(low, high);
  }

  /** Sharp on every screen. */
  #clear() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    this.#canvas.width = width * devicePixelRatio;
    this.#canvas.height = height * devicePixelRatio;
    const context = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext('2d'));
    context.scale(devicePixelRatio, devicePixelRatio);
    return { width, height, context };
  }

  /** In words, now and then: nobody is to be read each change. @param {number} low @param {number} high */
  #label(low, high) {
    if (performance.now() - this.#labelledAt < LABEL_MS) return;
    this.#labelledAt = performance.now();
    const words = `${this.#name}: now ${this.last}, lowest ${low.toFixed(2)}, highest ${high.toFixed(2)}`;
    this.#canvas.setAttribute('aria-label', words);
  }
}
