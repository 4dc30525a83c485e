import { copiesOnClick } from './clipboard.js';
import { copyCommands } from './copy_commands.js';

/**
 * The menu with the stream as commands.
 * @param {HTMLDetailsElement} menu
 * @param {HTMLElement} place for the commands
 * @param {() => string} currentUrl
 * @param {() => boolean} isSignedIn
 */
export function copyMenu(menu, place, currentUrl, isSignedIn) {
  menu.addEventListener('toggle', () => {
    if (menu.open) place.replaceChildren(...blocks(currentUrl(), isSignedIn()));
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

/**
 * @param {string} url
 * @param {boolean} isSignedIn
 */
function blocks(url, isSignedIn) {
  return Object.entries(copyCommands(url, isSignedIn)).map(([name, command]) => {
    const block = document.createElement('div');
    block.className = 'part';
    const head = document.createElement('h2');
    head.textContent = name;
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Copy';
    button.setAttribute('aria-label', `Copy: ${name}`);
    copiesOnClick(button, () => command);
    const pre = document.createElement('pre');
    pre.textContent = command;
    block.append(head, button, pre);
    return block;
  });
}
