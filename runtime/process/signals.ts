/**
 * What signals do to the gateway.
 *
 * @module
 */

import process from 'node:process';
import { isatty } from 'node:tty';

/** What the gateway does when it is told to end. */
export interface SignalActions {
  /** SIGTERM: no new streams, the open ones end over `DRAIN_SECONDS`. */
  drain(): void;
  /** SIGINT: streams end at once. */
  stop(): void;
  /** SIGHUP without a terminal: files are read again, as of any daemon. */
  reload(): void;
  /** A second signal: end now with this code, 128 and the signal's number as shells do. */
  exit(code: number): void;
}

type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** The part of node:process that is used, so that tests need no signal. */
export interface SignalSource {
  on(signal: Signal, listener: () => void): unknown;
}

/** A Ctrl-C reaches the gateway from the terminal and, some milliseconds later, through npm. */
const SAME_SIGNAL_MS = 300;

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

const STDIN = 0;

/**
 * Listens to signals for as long as the process lives. `now` gives milliseconds. On a terminal SIGHUP
 * is its end; elsewhere, below `nohup` too, nobody has left.
 */
export function onSignals(
  actions: SignalActions,
  source: SignalSource = process,
  now: () => number = () => performance.now(),
  onTerminal: boolean = isatty(STDIN),
): void {
  let first: { signal: Signal; at: number } | null = null;

  function take(signal: Signal): void {
    if (first === null) {
      first = { signal, at: now() };
      if (signal === 'SIGTERM') actions.drain();
      else actions.stop();
    } else if (signal !== first.signal || now() - first.at >= SAME_SIGNAL_MS) {
      actions.exit(EXIT_CODES[signal]);
    }
  }

  source.on('SIGTERM', () => take('SIGTERM'));
  source.on('SIGINT', () => take('SIGINT'));
  source.on('SIGHUP', () => (onTerminal ? take('SIGHUP') : actions.reload()));
}
