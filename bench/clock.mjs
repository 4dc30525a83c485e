/**
 * Microseconds of the system's clock, finer than Date.now(): a stamp is written in one process and
 * read in another. Where a process thinks it began (performance.timeOrigin) is not exact enough.
 */
export function nowMicros() {
  return OFFSET + performance.now() * 1000;
}

const OFFSET = (() => {
  const before = Date.now();
  let now = before;
  while (now === before) now = Date.now();
  return (now - performance.now()) * 1000;
})();
