import { localOf, sinceOf } from './since_time.js';
import { severalIn } from './stream_name.js';
import { effectiveFormat } from './stream_url.js';
import { TopicChooser } from './topic_chooser.js';

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
  #topics;

  /**
   * @param {string} root the gateway's address
   * @param {() => void} onGo
   * @param {() => void} onChange
   */
  constructor(root, onGo, onChange) {
    this.#root = root;
    this.#topics = new TopicChooser(root);
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      onGo();
    });
    this.#form.addEventListener('input', ({ target }) => {
      const chosen = this.#topics.locationAfter(target, this.#location.value);
      if (chosen !== null) this.#location.value = chosen;
      if (target === this.#format) this.#isFormatChosen = true;
      this.#adapt(target === this.#location);
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
    this.#adapt(true);
  }

  /** @param {readonly Topic[]} topics */
  offer(topics) {
    this.#topics.offer(topics);
    this.#adapt(true);
  }

  /**
   * Fits the other fields to those that were changed.
   * @param {boolean} isTyped the location, or written
   */
  #adapt(isTyped) {
    const location = this.#location.value.trim();
    this.#topics.show(location, isTyped);
    this.#show('since-field', this.#since, this.#start.value === 'time');
    this.#show('id-field', this.#id, this.#start.value === 'id');
    const isSeveral = severalIn(location, this.#root).length > 0;
    this.#format.disabled = isSeveral;
    if (!this.#isFormatChosen || isSeveral) {
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
