/**
 * A program of the benchmark in a process of its own, which answers calls one after the other or
 * at once.
 *
 * @module
 */

import { fork } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** @typedef {Record<string, (argument: any) => Promise<unknown> | unknown>} Handlers */

/** A running program. */
export class Child {
  #process;
  #name;
  #next = 0;
  /** @type {Map<number, { done: (value: any) => void, fail: (error: Error) => void }>} */
  #calls = new Map();

  /** @param {string} file beside this one */
  constructor(file) {
    this.#name = file;
    this.#process = fork(fileURLToPath(new URL(file, import.meta.url)), {
      serialization: 'advanced',
    });
    this.#process.on('message', (/** @type {any} */ { id, value, error }) => {
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (error === undefined) call?.done(value);
      else call?.fail(new Error(`${file}: ${error}`));
    });
    this.#process.on('exit', (code) => {
      for (const { fail } of this.#calls.values()) fail(new Error(`${file} ended with ${code}`));
      this.#calls.clear();
    });
  }

  /**
   * @param {string} name
   * @param {unknown} argument
   * @param {number} deadlineMs
   * @returns {Promise<any>}
   */
  async call(name, argument, deadlineMs) {
    const id = this.#next++;
    const answer = new Promise((done, fail) => {
      this.#calls.set(id, { done, fail });
      const late = () =>
        fail(new Error(`${this.#name}: ${name} took longer than ${deadlineMs} ms`));
      setTimeout(late, deadlineMs).unref();
    });
    this.#process.send({ id, name, argument });
    return answer;
  }

  async end() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise((done) => this.#process.once('exit', done));
    this.#process.kill('SIGKILL');
    await ended;
  }
}

/**
 * The other side: answers what is called, until its starter is gone.
 *
 * @param {Handlers} handlers
 */
export function answer(handlers) {
  process.on('disconnect', () => process.exit());
  process.on('message', async (/** @type {any} */ { id, name, argument }) => {
    try {
      process.send?.({ id, value: await handlers[name]?.(argument) });
    } catch (error) {
      process.send?.({ id, error: /** @type {Error} */ (error).stack });
    }
  });
}
