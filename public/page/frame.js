/** A tab in the background has no frames; what it shows is brought up to date so often. */
const HIDDEN_MS = 500;

/**
 * Asks for a paint, at most one a frame.
 * @param {() => void} paint
 * @returns {() => void}
 */
export function oncePerFrame(paint) {
  let isAsked = false;
  const run = () => {
    if (!isAsked) return;
    isAsked = false;
    paint();
  };
  // A frame that was asked for in the foreground does not come in the background.
  document.addEventListener('visibilitychange', run);
  return () => {
    if (isAsked) return;
    isAsked = true;
    if (document.hidden) setTimeout(run, HIDDEN_MS);
    else requestAnimationFrame(run);
  };
}
