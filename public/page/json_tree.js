/** How many members a level shows before it asks. */
const PAGE = 100;

/**
 * JSON as a tree that folds; a level is made when it is opened. Null where the text is no object
 * or array.
 * @param {string} text
 */
export function jsonTree(text) {
  if (!/^\s*[[{]/.test(text)) return null;
  try {
    const tree = document.createElement('div');
    tree.className = 'tree';
    const root = node(null, JSON.parse(text, keepDigits));
    if (root instanceof HTMLDetailsElement) root.open = true;
    tree.append(root);
    return tree;
  } catch {
    return null;
  }
}

/** A number with the digits that came: JSON may have more of them than a number of JavaScript. */
class Digits {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }
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
 * @param {string | null} name
 * @param {unknown} value
 */
function node(name, value) {
  if (typeof value !== 'object' || value === null || value instanceof Digits) {
    const line = document.createElement('div');
    line.append(...label(name), scalar(value));
    return line;
  }
  const entries = Object.entries(value);
  const details = document.createElement('details');
  const summary = document.createElement('summary');
  const size = document.createElement('span');
  size.className = 'size';
  size.textContent = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  summary.append(...label(name), size);
  details.append(summary);
  details.addEventListener('toggle', () => more(details, entries), { once: true });
  return details;
}

/**
 * @param {HTMLElement} parent
 * @param {[string, unknown][]} entries those that are left
 */
function more(parent, entries) {
  parent.append(...entries.slice(0, PAGE).map(([name, value]) => node(name, value)));
  const rest = entries.slice(PAGE);
  if (rest.length === 0) return;
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = `${rest.length} more`;
  button.addEventListener('click', () => {
    button.remove();
    more(parent, rest);
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
