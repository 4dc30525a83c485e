import { join } from 'node:path';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { type Command, Program, type ProgramOptions } from './program.ts';

const CTRL_C = '\x03';

/**
 * A program that runs in a terminal of its own: its stdin, stdout and stderr are that terminal, and
 * what the terminal shows is on `stdout`.
 */
export class Terminal extends Program {
  constructor(command: Command, options: Omit<ProgramOptions, 'input'> = {}) {
    const env = { TERM: 'xterm', ...options.env };
    const python = ['python3', join(CLONE, 'test', 'support', 'terminal.py')] as const;
    super([...python, ...command], { ...options, env, input: null });
  }

  /** Ctrl-C: SIGINT to all that runs in the foreground. */
  interrupt(): void {
    this.type(CTRL_C);
  }
}
