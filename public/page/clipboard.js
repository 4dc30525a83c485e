import { setText } from './set_text.js';

const SHOWN_MS = 1500;

/**
 * A button that copies, and says so.
 * @param {HTMLElement} button
 * @param {() => string} text
 */
export function copiesOnClick(button, text) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  button.addEventListener('click', async () => {
    const isCopied = await copy(text());
    const words = isCopied ? 'Copied' : 'Not allowed';
    button.dataset['copied'] = words;
    // For a screen reader.
    setText(/** @type {HTMLElement} */ (document.getElementById('announcer')), words);
    clearTimeout(timer);
    timer = setTimeout(() => delete button.dataset['copied'], SHOWN_MS);
  });
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/**
 * For pages over plain HTTP of another host, which have no clipboard.
 * @param {string} text
 */
function copyBySelection(text) {
  const area = document.createElement('textarea');
  area.className = 'hidden';
  area.value = text;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  return isCopied;
}
