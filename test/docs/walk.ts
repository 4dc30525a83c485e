import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { eventually } from '../support/deadline.ts';
import { Program } from '../support/program.ts';
import { Terminal } from '../support/terminal.ts';
import type { Page } from './pages.ts';

/** What differs between a reader's machine and the test. */
export interface Surroundings {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Puts the test's own ports in the place of the documented ones. */
  adapt(text: string): string;
  /** Whether a command is not to be run, nor waited for what it prints. */
  leftOut(command: string): boolean;
}

const START = 'npm start\n';

/** The first line of a program that a page tells to put into a file. */
const FILE_NAME = /^(?:\/\/|#) ([\w-]+\.\w+)\n/;

/**
 * Follows a page from its top to its end, as a reader with many terminals does: a program whose
 * first line names a file is put into it, each `bash` block is run, and a `text` block is what that
 * makes one of the commands print, where `...` stands for anything. Commands that do not end go on
 * until all is over; `npm start` runs in a terminal, and ends where the page speaks of Ctrl-C.
 */
export async function walk(page: Page, surroundings: Surroundings): Promise<AsyncDisposable> {
  const { folder, env, adapt, leftOut } = surroundings;
  const commands: Program[] = [];
  let gateway: Terminal | null = null;
  /** What each had printed when the last one was started. */
  let before: readonly Printed[] = [];
  const all = {
    [Symbol.asyncDispose]: async () => {
      for (const command of commands.toReversed()) await end(command);
    },
  };
  try {
    let isLeftOut = false;
    for (const { prose, language, text } of page.blocks) {
      if (gateway !== null && prose.includes('Ctrl-C')) {
        gateway.interrupt();
        await gateway.ended(PRINT_MS);
        gateway = null;
      }
      const [, file] = FILE_NAME.exec(text) ?? [];
      if (file !== undefined) await writeFile(join(folder, file), adapt(text));
      else if (language === 'bash') {
        isLeftOut = leftOut(text);
        before = commands.map(printed);
        if (text === START) {
          gateway = new Terminal(['bash', '--norc', '-c', adapt(text)], { cwd: folder, env });
          commands.push(gateway);
          continue;
        }
        // In a group of its own, so that what it starts ends with it. Node's pipes are sockets, and
        // bash reads .bashrc where its input is one.
        const command = ['setsid', 'bash', '--norc', '-c', adapt(text)] as const;
        if (!isLeftOut) commands.push(new Program(command, { cwd: folder, env }));
      } else if (language === 'text' && !isLeftOut) {
        await untilPrinted(commands, before, adapt(text));
      }
    }
    return all;
  } catch (error) {
    await all[Symbol.asyncDispose]();
    throw error;
  }
}

/** Ends a command, and what it started. */
async function end(command: Program): Promise<void> {
  if (command instanceof Terminal) command.interrupt();
  else if (!command.hasEnded) process.kill(-command.pid, 'SIGTERM');
  await command.ended(PRINT_MS);
}

/** A first start, and a first compilation by Go, take their time. */
export const PRINT_MS = 180_000;

async function untilPrinted(
  commands: readonly Program[],
  before: readonly Printed[],
  text: string,
): Promise<void> {
  const literal = (part: string): string => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const pattern = new RegExp(text.trim().split('...').map(literal).join('.*'));
  const since = (): string[] =>
    commands
      .map(printed)
      .flatMap(({ stdout, stderr }, i) => [
        stdout.slice(before[i]?.stdout.length ?? 0),
        stderr.slice(before[i]?.stderr.length ?? 0),
      ]);
  await eventually(
    () =>
      `${JSON.stringify(text)} to be printed; since then was printed ${JSON.stringify(since())}`,
    async () => since().some((fresh) => pattern.test(fresh)),
    PRINT_MS,
  );
}

interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

function printed({ stdout, stderr }: Program): Printed {
  // A terminal's lines end so.
  return { stdout: stdout.toString().replaceAll('\r\n', '\n'), stderr };
}
