/**
 * Draws a folder from its imports, types included and tests left out, in numbers:
 *
 *     node test/support/rooms.mjs app runtime public
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';

const SOURCE = /(?<!\.test)(?<!\.d)\.(c?ts|m?js)$/;
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]+)['"]/g;

/** @param {string} folder */
function filesOf(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((name) => SOURCE.test(name) && !name.includes('node_modules'));
}

/**
 * @param {readonly string[]} files
 * @returns {Map<string, string[]>} of each file what it imports, of these files
 */
function importsOf(files) {
  const known = new Set(files);
  return new Map(
    files.map((file) => {
      const found = readFileSync(file, 'utf8').matchAll(IMPORT);
      const targets = [...found].map(([, path = '']) => join(dirname(file), path));
      return [file, [...new Set(targets)].filter((target) => known.has(target))];
    }),
  );
}

/**
 * Groups of files that reach each other, by Tarjan's algorithm: those below come first.
 *
 * @param {Map<string, string[]>} imports
 */
function circlesOf(imports) {
  /** @type {Map<string, number>} */
  const numbers = new Map();
  /** @type {Map<string, number>} */
  const lows = new Map();
  /** @type {string[]} */
  const stack = [];
  /** @type {string[][]} */
  const groups = [];
  /** @param {string} file */
  function visit(file) {
    const number = numbers.size;
    numbers.set(file, number);
    let low = number;
    stack.push(file);
    for (const target of imports.get(file) ?? []) {
      if (!numbers.has(target)) low = Math.min(low, visit(target));
      else if (stack.includes(target)) low = Math.min(low, numbers.get(target) ?? low);
    }
    lows.set(file, low);
    if (low === number) groups.push(stack.splice(stack.indexOf(file)));
    return low;
  }
  for (const file of imports.keys()) if (!numbers.has(file)) visit(file);
  return groups;
}

for (const folder of process.argv.slice(2)) {
  const files = filesOf(folder);
  const imports = importsOf(files);
  const groups = circlesOf(imports);
  /** @type {Map<string, number>} files of the longest chain from each down; a circle counts whole */
  const chains = new Map();
  for (const group of groups) {
    const below = group.flatMap((file) => imports.get(file) ?? []);
    const longest = Math.max(0, ...below.map((target) => chains.get(target) ?? 0));
    for (const file of group) chains.set(file, longest + group.length);
  }
  const arrows = new Set(
    [...imports].flatMap(([file, targets]) =>
      targets
        .map((target) => `${dirname(file)} > ${dirname(target)}`)
        .filter((arrow) => new Set(arrow.split(' > ')).size > 1),
    ),
  );
  const lines = files.map((file) => readFileSync(file, 'utf8').split('\n').length - 1);
  lines.sort((one, other) => one - other);
  const circles = groups.filter(({ length }) => length > 1).map(({ length }) => length);
  const numbers = [
    `${files.length} files`,
    `${new Set(files.map(dirname)).size} rooms`,
    `${arrows.size} arrows between rooms`,
    `${circles.length} circles${circles.length > 0 ? ` of ${circles.join(' and ')} files` : ''}`,
    `longest chain ${Math.max(...chains.values())} files`,
    `median file ${lines[lines.length >> 1]} lines, longest ${lines.at(-1)}`,
  ];
  process.stdout.write(`${folder}: ${numbers.join(', ')}\n`);
}
