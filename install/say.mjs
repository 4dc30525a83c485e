/** What is missing or failed, in words for who typed the command; shown without a stack. */
export class PrepareError extends Error {
  /** @override */
  name = 'PrepareError';
}

/** @param {string} line */
export function say(line) {
  process.stderr.write(`prepare: ${line}\n`);
}

/**
 * Runs the action; an error ends the process with 1 and its message.
 *
 * @param {() => Promise<void>} action
 */
export async function endWithErrors(action) {
  try {
    await action();
  } catch (error) {
    const { message, stack, code } = /** @type {NodeJS.ErrnoException} */ (error);
    // What the system refuses (EACCES, ENOSPC) says where; anything else is a fault of ours.
    say(error instanceof PrepareError || code !== undefined ? message : (stack ?? message));
    process.exitCode = 1;
  }
}
