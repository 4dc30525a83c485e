/**
 * Makes one question out of those that are asked at the same time. Each gets an answer that was
 * asked for after it came: a question that finds one under way shares the next one.
 */
export function coalesced<T>(ask: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  let next: Promise<T> | null = null;

  function start(): Promise<T> {
    next = null;
    const asked = ask();
    running = asked;
    const end = (): void => {
      running = null;
    };
    asked.then(end, end);
    return asked;
  }

  return () => {
    if (next !== null) return next;
    if (running === null) return start();
    next = running.then(start, start);
    return next;
  };
}
