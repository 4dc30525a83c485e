import process from 'node:process';

/** @param {string} line */
export function say(line) {
  process.stderr.write(`demo: ${line}\n`);
}
