import { relative } from 'node:path';
import process from 'node:process';

/** @typedef {{ status: string, ancestorTitles: string[] }} Case */

const RUNTIME = /^on (.+)$/;

/**
 * Prints how many cases every suite ran, and fails the run for a suite that ran none, that left
 * one out, or that ran more on one runtime than on another.
 */
export default class CountReporter {
  /** @type {string[]} */
  #lines = [];
  /** @type {string[]} */
  #faults = [];
  #total = 0;
  #rootDir;
  /** Whether only some cases were asked for by name (`-t`). */
  #isPartial;

  /** @param {{ rootDir: string, testNamePattern?: string }} globalConfig */
  constructor({ rootDir, testNamePattern }) {
    this.#rootDir = rootDir;
    this.#isPartial = Boolean(testNamePattern);
  }

  /**
   * @param {{ path: string }} test
   * @param {{ testResults: Case[], skipped: boolean }} result
   */
  onTestResult({ path }, { testResults, skipped }) {
    const suite = relative(this.#rootDir, path);
    const ran = testResults.filter(({ status }) => status === 'passed' || status === 'failed');
    const byRuntime = countByRuntime(ran);
    const split = [...byRuntime].map(([runtime, count]) => `${count} on ${runtime}`).join(', ');
    this.#lines.push(`${suite}: ${ran.length}${split === '' ? '' : ` (${split})`}`);
    this.#total += ran.length;
    if (this.#isPartial) return;
    const left = testResults.length - ran.length;
    if (skipped || ran.length === 0) this.#faults.push(`${suite} ran no case`);
    if (left > 0) this.#faults.push(`${suite} left out ${left} (skip, only or todo)`);
    if (new Set(byRuntime.values()).size > 1) this.#faults.push(`${suite}: ${split}`);
  }

  onRunComplete() {
    const text = this.#lines.sort().map((line) => `  ${line}\n`);
    process.stderr.write(`Cases run:\n${text.join('')}  all suites: ${this.#total}\n`);
    for (const fault of this.#faults) process.stderr.write(`Not run in full: ${fault}\n`);
  }

  /** What this gives fails the run; jest prints nothing of it. */
  getLastError() {
    return this.#faults.length === 0 ? undefined : new Error(this.#faults.join('; '));
  }
}

/** @param {readonly Case[]} cases */
function countByRuntime(cases) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { ancestorTitles } of cases) {
    const [, runtime] = RUNTIME.exec(ancestorTitles[0] ?? '') ?? [];
    if (runtime !== undefined) counts.set(runtime, (counts.get(runtime) ?? 0) + 1);
  }
  return counts;
}
