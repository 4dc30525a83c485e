import { localOf, sinceOf, zoneName } from './clock.js';
import { faultIn } from './refusal.js';
import { severalIn, streamName } from './stream_name.js';
import { effectiveFormat, effectiveStart } from './stream_url.js';
import { TopicChooser } from './topic_chooser.js';

/** @import { Settings } from './address.js' */
/** @import { Topic } from './topics.js' */
/** @typedef {Omit<Settings, 'view' | 'filter' | 'fields' | 'clock'>} Asked what is asked of the gateway */

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
  /** @type {Readonly<Record<'key' | 'where' | 'every', HTMLInputElement>>} */
  #filters = { key: byId('key'), where: byId('where'), every: byId('every') };
  /** Whether somebody chose the start, and the format. */
  #isStartChosen = false;
  #isFormatChosen = false;
  /** @type {readonly Topic[]} */
  #known = [];
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
      if (target === this.#start) this.#isStartChosen = true;
      if (target === this.#format) this.#isFormatChosen = true;
      this.showFault('');
      this.#adapt(target === this.#location);
      onChange();
    });
    byId('change').addEventListener('click', () => {
      this.fold(false);
      byId('topic').focus();
    });
  }

  /** @returns {Asked} */
  read() {
    const { key, where, every } = this.#filters;
    return {
      location: this.#location.value.trim(),
      start: this.#isStartChosen ? /** @type {Settings['start']} */ (this.#start.value) : 'auto',
      since: sinceOf(this.#since.value),
      id: this.#id.value.trim(),
      key: key.value,
      where: where.value.trim(),
      every: every.value.trim(),
      format: this.#isFormatChosen ? /** @type {'json' | 'text'} */ (this.#format.value) : 'auto',
    };
  }

  /** @param {Asked} settings */
  write({ location, start, since, id, format, ...filters }) {
    this.#location.value = location;
    this.#isStartChosen = start !== 'auto';
    if (start !== 'auto') this.#start.value = start;
    this.#since.value = localOf(since);
    this.#showClock();
    this.#id.value = id;
    this.#isFormatChosen = format !== 'auto';
    if (format !== 'auto') this.#format.value = format;
    for (const name of /** @type {const} */ (['key', 'where', 'every'])) {
      this.#filters[name].value = filters[name];
    }
    this.#adapt(true);
  }

  /** What is asked for, in a line. */
  get words() {
    const { location, key, where, every } = this.read();
    return [
      streamName(location, this.#root),
      `from ${this.#start.selectedOptions[0]?.text ?? ''}`,
      ...(key === '' ? [] : [`key ${key}`]),
      ...(where === '' ? [] : [`where ${where}`]),
      ...(every === '' ? [] : [`every ${every} ms`]),
    ].join(' · ');
  }

  /** @param {readonly Topic[]} topics */
  offer(topics) {
    this.#known = topics;
    this.#topics.offer(topics);
    this.#adapt(true);
  }

  /**
   * Shows what a gateway does not understand, beside the field that it is about.
   * @param {string} words of the gateway; empty: nothing
   */
  showFault(words) {
    for (const input of [this.#location, this.#since, ...Object.values(this.#filters)]) {
      input.removeAttribute('aria-invalid');
      input.removeAttribute('aria-describedby');
    }
    const line = byId('fault');
    const fault = faultIn(words);
    line.hidden = fault === null;
    line.replaceChildren();
    if (fault === null) return;
    const { name, at } = fault;
    const own = { ...this.#filters, since: this.#since }[name];
    // It may stand in the location instead.
    const input = own.value === '' ? this.#location : own;
    input.setAttribute('aria-invalid', 'true');
    input.setAttribute('aria-describedby', 'fault');
    line.append(words, ...(at === null || input !== own ? [] : [marked(own.value.trim(), at)]));
    if (!this.#form.contains(document.activeElement)) return;
    input.focus();
    if (at === null || input !== own) return;
    const from = at + own.value.length - own.value.trimStart().length;
    input.setSelectionRange(from, from + 1);
  }

  /**
   * Another clock: the time that was chosen stays the same moment.
   * @param {() => void} change
   */
  changeClock(change) {
    const since = sinceOf(this.#since.value);
    change();
    this.#since.value = localOf(since);
    this.#showClock();
  }

  #showClock() {
    byId('since-label').textContent = `Time, ${zoneName(Date.now())}`;
  }

  /**
   * Leaves one line of it where there is little room, as the style sheet has it.
   * @param {boolean} isFolded
   */
  fold(isFolded) {
    this.#form.dataset['folded'] = `${isFolded}`;
  }

  /**
   * Fits the other fields to those that were changed.
   * @param {boolean} isTyped the location, or written
   */
  #adapt(isTyped) {
    const location = this.#location.value.trim();
    this.#topics.show(location, isTyped);
    if (!this.#isStartChosen) {
      this.#start.value = effectiveStart({ start: 'auto', location }, this.#root, this.#known);
    }
    this.#show('since-field', this.#since, this.#start.value === 'time');
    this.#show('id-field', this.#id, this.#start.value === 'id');
    const isSeveral = severalIn(location, this.#root).length > 0;
    this.#format.disabled = isSeveral;
    if (!this.#isFormatChosen || isSeveral) {
      this.#format.value = effectiveFormat({ location, format: 'auto' }, this.#root);
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

/**
 * A text with the character that is wrong in it; behind its end where something lacks.
 * @param {string} text
 * @param {number} at
 */
function marked(text, at) {
  const code = document.createElement('code');
  const mark = document.createElement('mark');
  mark.textContent = text[at] ?? '\u00a0';
  code.append(text.slice(0, at), mark, text.slice(at + 1));
  return code;
}
