/** A device sleeps, and a tab is frozen, without a word; these are the signs that it is back. */
const SIGNS = ['visibilitychange', 'pageshow', 'resume', 'online'];

/** Some are told to the document, and do not bubble. */
export function watchPage({ wake, hide }, signal) {
  const listener = ({ type }) => {
    if (type === 'visibilitychange' && isHidden()) hide?.();
    else wake(type);
  };
  for (const sign of SIGNS) {
    globalThis.addEventListener?.(sign, listener, { signal, capture: true });
  }
}

export function isHidden() {
  return globalThis.document?.visibilityState === 'hidden';
}
