import { fieldsIn } from './json_fields.js';
import { folds } from './menu.js';

/** So many rows are looked at for the names of fields. */
const MAX_LOOKED_AT = 200;

/**
 * The menu of fields of JSON values that may be columns of the table.
 * @param {HTMLDetailsElement} menu
 * @param {HTMLElement} place for the names
 * @param {() => Iterable<string>} values that are there
 * @param {() => readonly string[]} chosen
 * @param {(fields: string[]) => void} onChange
 */
export function fieldMenu(menu, place, values, chosen, onChange) {
  folds(menu, () => {
    const names = new Set([...chosen(), ...fieldsIn(first(values()))]);
    place.replaceChildren(...[...names].map((name) => box(name, chosen().includes(name))));
    if (names.size === 0) place.append('No value here is a JSON object.');
  });
  place.addEventListener('change', () => {
    const boxes = [...place.querySelectorAll('input')].filter(({ checked }) => checked);
    onChange(boxes.map(({ value }) => value));
  });
}

/** @param {Iterable<string>} values */
function* first(values) {
  let count = 0;
  for (const value of values) {
    if (count++ === MAX_LOOKED_AT) return;
    yield value;
  }
}

/**
 * @param {string} name
 * @param {boolean} isChosen
 */
function box(name, isChosen) {
  const label = document.createElement('label');
  const input = document.createElement('input');
  input.type = 'checkbox';
  input.value = name;
  input.checked = isChosen;
  label.append(input, name);
  return label;
}
