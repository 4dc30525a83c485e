import { wordsOf } from './refusal.js';
import { setText } from './set_text.js';

/** @import { Access } from './topics.js' */

const DEADLINE_MS = 5000;
const PATH = '/-/sign-in';
/** As `Authorization` takes one: https://www.rfc-editor.org/rfc/rfc6750#section-2.1 */
const TOKEN = /^[\w.~+/-]+=*$/;

/** @type {Readonly<Record<number, string>>} */
const WORDS = {
  404: 'This gateway makes no cookie of a token: sign in at your application',
  413: 'This token is too long for a cookie; a program can send it as Authorization',
};

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

/**
 * The field for a token, which becomes the gateway's cookie: an EventSource sends no other. The page
 * keeps no token, and so cannot renew one.
 */
export class SignIn {
  /** @type {HTMLElement} */
  #section = byId('sign-in');
  /** @type {HTMLFormElement} */
  #form = byId('sign-in-form');
  /** @type {HTMLInputElement} */
  #token = byId('token');
  /** @type {HTMLButtonElement} */
  #signOut = byId('sign-out');
  /** @type {Promise<boolean> | null} */
  #makesCookie = null;
  /** Whose token was last taken here; of who signed in before the page was loaded it knows nothing. */
  #user = '';
  #root;
  #onChange;

  /**
   * @param {string} root the gateway's address, without a slash at its end
   * @param {(user: 'same' | 'other' | 'none') => Promise<Access>} onChange called when somebody has signed
   *   in or out; tells what the gateway says then
   */
  constructor(root, onChange) {
    this.#root = root;
    this.#onChange = onChange;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#take();
    });
    this.#signOut.addEventListener('click', () => this.#leave());
  }

  /**
   * What the gateway says of whoever looks.
   * @param {Access} access
   */
  async show({ name, why }) {
    this.#section.hidden = name === 'open';
    if (name === 'open') return;
    this.#makesCookie ??= makesCookie(this.#root);
    const hasField = await this.#makesCookie;
    this.#section.dataset['access'] = name;
    this.#form.hidden = name === 'in' || !hasField;
    this.#signOut.hidden = name === 'out' || !hasField;
    if (name === 'in') this.#say('Signed in');
    else this.#say(hasField ? why : `${why}: sign in at your application, then Go`);
  }

  async #take() {
    const token = this.#token.value.trim().replace(/^bearer +/i, '');
    if (!TOKEN.test(token)) {
      this.#say('That is no token');
      return;
    }
    const why = await this.#ask('POST', { authorization: `Bearer ${token}` });
    if (why !== null) {
      this.#say(why);
      return;
    }
    this.#token.value = '';
    const user = subjectOf(token);
    const isSame = user !== '' && user === this.#user;
    this.#user = user;
    const access = await this.#onChange(isSame ? 'same' : 'other');
    await this.show(access);
    if (access.name === 'out') {
      this.#say(`The browser has kept no cookie, which takes HTTPS or localhost (${access.why})`);
    } else {
      // The field has gone, and the focus with it.
      byId('sign-in-words').focus();
    }
  }

  async #leave() {
    const why = await this.#ask('DELETE', {});
    if (why !== null) {
      this.#say(why);
      return;
    }
    await this.show(await this.#onChange('none'));
    this.#token.focus();
  }

  /**
   * @param {string} method
   * @param {Record<string, string>} headers
   * @returns {Promise<string | null>} why it was refused; null where it was not
   */
  async #ask(method, headers) {
    try {
      const signal = AbortSignal.timeout(DEADLINE_MS);
      const answer = await fetch(this.#root + PATH, { method, headers, signal });
      if (answer.ok) return null;
      return WORDS[answer.status] ?? wordsOf(await answer.text(), answer.status);
    } catch {
      return 'The gateway cannot be reached';
    }
  }

  /** @param {string} words */
  #say(words) {
    setText(byId('sign-in-words'), words);
    setText(byId('announcer'), words);
  }
}

/**
 * Whose a token is, as it says itself; empty where that cannot be told.
 * @param {string} token
 */
export function subjectOf(token) {
  try {
    const payload = token.split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/') ?? '';
    const { iss, sub } = JSON.parse(atob(payload));
    return sub === undefined ? '' : JSON.stringify([iss, sub]);
  } catch {
    return '';
  }
}

/**
 * Whether a token can become a cookie there: not where the application signs in.
 * @param {string} root
 */
async function makesCookie(root) {
  try {
    // Not taken where it is there, and not found where it is not.
    const { status } = await fetch(root + PATH, { method: 'HEAD' });
    return status !== 404;
  } catch {
    return true;
  }
}
