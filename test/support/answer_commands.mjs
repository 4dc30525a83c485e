import process from 'node:process';
import { createInterface } from 'node:readline';

/**
 * Takes commands from stdin, a line of JSON each with its number in `id`, until stdin ends; what they
 * return, or why they failed, is said under the same number.
 *
 * @template {{ id: number, command: string }} Command
 * @param {Record<string, (command: Command) => unknown>} commands by name
 * @param {(line: object) => void} say
 */
export async function answerCommands(commands, say) {
  for await (const line of createInterface({ input: process.stdin })) {
    /** @type {Command} */
    const command = JSON.parse(line);
    Promise.resolve()
      .then(() => commands[command.command]?.(command))
      .then(
        (answer) => say({ id: command.id, answer }),
        (error) => say({ id: command.id, error: String(error) }),
      );
  }
}
