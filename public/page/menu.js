/**
 * A menu that closes by Escape, and by a click beside it.
 * @param {HTMLDetailsElement} menu
 * @param {() => void} onOpen
 */
export function folds(menu, onOpen) {
  menu.addEventListener('toggle', () => {
    if (menu.open) onOpen();
  });
  document.addEventListener('click', ({ target }) => {
    if (!menu.contains(/** @type {Node} */ (target))) menu.open = false;
  });
  menu.addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape') return;
    menu.open = false;
    menu.querySelector('summary')?.focus();
  });
}
