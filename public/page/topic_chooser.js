import { canJoin, severalIn } from './stream_name.js';

/** @import { Topic } from './topics.js' */

/** In the place of a location. */
const SEVERAL = 'several';

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

/** The list of topics, of which one is chosen, or several that are then ticked beside it. */
export class TopicChooser {
  /** @type {HTMLSelectElement} */
  #select = byId('topic');
  /** @type {HTMLFieldSetElement} */
  #fieldset = byId('several');
  /** Whether several are being chosen: for a moment that may be one, or none. */
  #isSeveral = false;
  #root;

  /** @param {string} root the gateway's address */
  constructor(root) {
    this.#root = root;
  }

  /** @param {readonly Topic[]} topics */
  offer(topics) {
    const joinable = topics.filter(canJoin);
    const options = topics.map((topic) => new Option(wordsOf(topic), this.#root + topic.path));
    const other = new Option('another location', '');
    other.hidden = true;
    const several = joinable.length > 1 ? [new Option('several topics…', SEVERAL)] : [];
    this.#select.replaceChildren(...options, ...several, other);
    byId('several-topics').replaceChildren(...joinable.map(box));
  }

  /**
   * The location that somebody has chosen here; null where it was something else that they changed.
   * @param {EventTarget | null} target of their input
   * @param {string} location as it is
   */
  locationAfter(target, location) {
    if (target === this.#select) {
      this.#isSeveral = this.#select.value === SEVERAL;
      return this.#isSeveral ? location : this.#select.value;
    }
    if (!this.#boxes.some((one) => one === target)) return null;
    const names = this.#boxes.filter(({ checked }) => checked).map(({ value }) => value);
    return names.length === 0 ? '' : `${this.#root}/${names.join(',')}`;
  }

  /**
   * Shows what a location reads.
   * @param {string} location
   * @param {boolean} isTyped then it says by itself whether it has several
   */
  show(location, isTyped) {
    const several = severalIn(location, this.#root);
    const hasChoice = this.#boxes.length > 1;
    if (isTyped || several.length > 0) this.#isSeveral = several.length > 0 && hasChoice;
    this.#select.disabled = this.#select.options.length < 2;
    this.#select.value = this.#isSeveral ? SEVERAL : location;
    if (this.#select.selectedIndex === -1) this.#select.value = '';
    this.#fieldset.hidden = !this.#isSeveral;
    for (const one of this.#boxes) {
      one.checked = several.includes(one.value) || location === `${this.#root}/${one.value}`;
    }
  }

  /** @returns {HTMLInputElement[]} */
  get #boxes() {
    return [...this.#fieldset.querySelectorAll('input')];
  }
}

/** @param {Topic} topic */
function wordsOf({ name, compacted }) {
  return compacted ? `${name} · compacted` : name;
}

/** @param {Topic} topic */
function box(topic) {
  const label = document.createElement('label');
  const input = document.createElement('input');
  input.type = 'checkbox';
  input.value = topic.name;
  label.append(input, wordsOf(topic));
  return label;
}
