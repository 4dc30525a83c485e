import process from 'node:process';
import { getLogger } from '@logtape/logtape';

const logger = getLogger(['sse-kafka', 'process']);

/**
 * Logs what the runtime itself would write to stderr in its own form, in the midst of our lines:
 * its warnings, and the error that ends the process because nobody caught it.
 */
export function logProcessTrouble(): void {
  // The one that prints them.
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => {
    logger.warn('{name}: {text}', { name, text: message });
  });
  process.on('uncaughtException', (error: Error) => {
    logger.fatal('A fault of the gateway ends it: {error}', { error, stack: error.stack });
    process.exit(1);
  });
}
