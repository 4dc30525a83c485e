/** How many members a level shows before it asks. */
const PAGE = 100;
/** More lines than this are not opened at once. */
const MAX_EXPANDED = 2000;

/** Fills a level that was not opened yet. @type {WeakMap<HTMLDetailsElement, () => void>} */
const unfilled = new WeakMap();

/**
 * JSON as a tree that folds; a level is made when it is opened. Null where the text is no object
 * or array.
 * @param {string} text
 * @param {ReadonlySet<string>} [open] levels that are open from the start, as `openLevels()` has them
 */
export function jsonTree(text, open = new Set()) {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || value instanceof Digits) return null;
  const tree = document.createElement('div');
  tree.className = 'tree';
  tree.append(node(null, value, '', new Set([...open, ''])));
  return tree;
}

/**
 * A value with its lines and indents; null where the text is no object or array.
 * @param {string} text
 */
export function prettyJson(text) {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || value instanceof Digits) return null;
  try {
    return pretty(value, '');
  } catch {
    // Too deep.
    return null;
  }
}

/**
 * The levels that are open.
 * @param {Element} tree
 * @returns {Set<string>}
 */
export function openLevels(tree) {
  const open = [...tree.querySelectorAll('details')].filter((details) => details.open);
  return new Set(open.map((details) => details.dataset['level'] ?? ''));
}

/**
 * Opens all levels, as long as they are not too many to be looked at.
 * @param {Element} tree
 */
export function expandAll(tree) {
  for (let all = levels(tree); all.length > 0; all = levels(tree)) {
    for (const details of all) {
      if (tree.querySelectorAll('div, details').length > MAX_EXPANDED) return;
      fill(details);
      details.open = true;
    }
  }
}

/** @param {Element} tree */
function levels(tree) {
  return [...tree.querySelectorAll('details')].filter((details) => !details.open);
}

/** @param {HTMLDetailsElement} details */
function fill(details) {
  unfilled.get(details)?.();
  unfilled.delete(details);
}

/** A number with the digits that came: JSON may have more of them than a number of JavaScript. */
class Digits {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }
}

/** The last one, which is asked for in more than one way. @type {{ text: string, value: unknown }} */
let parsed = { text: '', value: undefined };

/**
 * @param {string} text
 * @returns {unknown} undefined where it is no object or array
 */
function parseJson(text) {
  if (!/^\s*[[{]/.test(text)) return undefined;
  if (text === parsed.text) return parsed.value;
  parsed = { text, value: undefined };
  try {
    parsed.value = JSON.parse(text, keepDigits);
  } catch {
    // As it is.
  }
  return parsed.value;
}

/**
 * @param {string} _name
 * @param {unknown} value
 * @param {{ source?: string }} [context] not in every browser
 */
function keepDigits(_name, value, context) {
  return typeof value === 'number' ? new Digits(context?.source ?? `${value}`) : value;
}

/**
 * @param {unknown} value
 * @param {string} indent
 * @returns {string}
 */
function pretty(value, indent) {
  if (value instanceof Digits) return value.text;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const [left, right] = Array.isArray(value) ? '[]' : '{}';
  const inner = `${indent}  `;
  const members = Object.entries(value).map(([name, member]) => {
    const label = Array.isArray(value) ? '' : `${JSON.stringify(name)}: `;
    return `${inner}${label}${pretty(member, inner)}`;
  });
  return members.length === 0
    ? `${left}${right}`
    : `${left}\n${members.join(',\n')}\n${indent}${right}`;
}

/**
 * @param {string | null} name
 * @param {unknown} value
 * @param {string} level
 * @param {ReadonlySet<string>} open
 */
function node(name, value, level, open) {
  if (typeof value !== 'object' || value === null || value instanceof Digits) {
    const line = document.createElement('div');
    line.append(...label(name), scalar(value));
    return line;
  }
  const entries = Object.entries(value);
  const details = document.createElement('details');
  details.dataset['level'] = level;
  const summary = document.createElement('summary');
  const size = document.createElement('span');
  size.className = 'size';
  size.textContent = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  summary.append(...label(name), size);
  details.append(summary);
  unfilled.set(details, () => more(details, entries, level, open));
  details.addEventListener('toggle', () => fill(details));
  if (open.has(level)) {
    fill(details);
    details.open = true;
  }
  return details;
}

/**
 * @param {HTMLElement} parent
 * @param {[string, unknown][]} entries those that are left
 * @param {string} level of the parent
 * @param {ReadonlySet<string>} open
 */
function more(parent, entries, level, open) {
  parent.append(
    ...entries
      .slice(0, PAGE)
      .map(([name, value]) => node(name, value, `${level}/${name.replaceAll('/', '~')}`, open)),
  );
  const rest = entries.slice(PAGE);
  if (rest.length === 0) return;
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = `${rest.length} more`;
  button.addEventListener('click', () => {
    button.remove();
    more(parent, rest, level, open);
  });
  parent.append(button);
}

/** @param {string | null} name */
function label(name) {
  if (name === null) return [];
  const span = document.createElement('span');
  span.className = 'name';
  span.textContent = name;
  return [span, ': '];
}

/** @param {unknown} value */
function scalar(value) {
  const span = document.createElement('span');
  if (value instanceof Digits) {
    span.className = 'number';
    span.textContent = value.text;
    return span;
  }
  span.className = value === null ? 'null' : typeof value;
  span.textContent = JSON.stringify(value);
  return span;
}
