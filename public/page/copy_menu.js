import { copiesOnClick } from './clipboard.js';
import { copyCommands } from './copy_commands.js';
import { folds } from './menu.js';

/**
 * The menu with the stream as commands.
 * @param {HTMLDetailsElement} menu
 * @param {HTMLElement} place for the commands
 * @param {() => string} currentUrl
 * @param {() => boolean} isSignedIn
 */
export function copyMenu(menu, place, currentUrl, isSignedIn) {
  folds(menu, () => place.replaceChildren(...blocks(currentUrl(), isSignedIn())));
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
