import { localOf, sinceOf } from './since_time.js';
import { effectiveFormat } from './stream_url.js';

/** @import { Settings } from './address.js' */
/** @import { Topic } from './topics.js' */

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

/** The part of the settings that says what to read: takes effect with `Go`. */
export class SettingsForm {
  /** @type {HTMLFormElement} */
  #form = byId('form');
  /** @type {HTMLInputElement} */
  #location = byId('location');
  /** @type {HTMLSelectElement} */
  #topic = byId('topic');
  /** @type {HTMLSelectElement} */
  #start = byId('start');
  /** @type {HTMLInputElement} */
  #since = byId('since');
  /** @type {HTMLInputElement} */
  #id = byId('id');
  /** @type {HTMLSelectElement} */
  #format = byId('format');
  /** Whether somebody chose the format. */
  #isFormatChosen = false;
  #root;

  /**
   * @param {string} root the gateway's address
   * @param {() => void} onGo
   * @param {() => void} onChange
   */
  constructor(root, onGo, onChange) {
    this.#root = root;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      onGo();
    });
    this.#form.addEventListener('input', ({ target }) => {
      if (target === this.#topic) this.#location.value = this.#topic.value;
      if (target === this.#format) this.#isFormatChosen = true;
      this.#adapt();
      onChange();
    });
  }

  /** @returns {Pick<Settings, 'location' | 'start' | 'since' | 'id' | 'format'>} */
  read() {
    return {
      location: this.#location.value.trim(),
      start: /** @type {Settings['start']} */ (this.#start.value),
      since: sinceOf(this.#since.value),
      id: this.#id.value.trim(),
      format: this.#isFormatChosen ? /** @type {'json' | 'text'} */ (this.#format.value) : 'auto',
    };
  }

  /** @param {Settings} settings */
  write({ location, start, since, id, format }) {
    this.#location.value = location;
    this.#start.value = start;
    this.#since.value = localOf(since);
    this.#id.value = id;
    this.#isFormatChosen = format !== 'auto';
    if (format !== 'auto') this.#format.value = format;
    this.#adapt();
  }

  /** @param {readonly Topic[]} topics */
  offer(topics) {
    const options = topics.map(({ name, path, compacted }) => {
      const text = compacted ? `${name} · compacted` : name;
      return new Option(text, this.#root + path);
    });
    const other = new Option('another location', '');
    other.hidden = true;
    this.#topic.replaceChildren(...options, other);
    this.#adapt();
  }

  /** Fits the other fields to those that were changed. */
  #adapt() {
    this.#topic.disabled = this.#topic.options.length < 2;
    this.#topic.value = this.#location.value.trim();
    if (this.#topic.selectedIndex === -1) this.#topic.value = '';
    this.#show('since-field', this.#since, this.#start.value === 'time');
    this.#show('id-field', this.#id, this.#start.value === 'id');
    if (!this.#isFormatChosen) {
      const settings = { ...this.read(), view: /** @type {const} */ ('messages'), filter: '' };
      this.#format.value = effectiveFormat(settings, this.#root);
    }
  }

  /**
   * @param {string} field
   * @param {HTMLInputElement} input
   * @param {boolean} isShown
   */
  #show(field, input, isShown) {
    byId(field).hidden = !isShown;
    input.required = isShown;
  }
}
