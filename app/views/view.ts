import type { Filter } from './filter.ts';
import { FORMATS, type Format, TEXT } from './format.ts';
import type { Pace } from './pace.ts';

/**
 * What clients want of a topic's records. Those who want the same share one view: what is chosen and
 * put together of records for a client is kept by it, never by its format alone. Blocks are the same for all
 * views in a format.
 */
export interface View {
  readonly format: Format;
  /** Which records; `null` for all. */
  readonly filter: Filter | null;
  /** How often what comes is sent; `null` for at once. */
  readonly pace: Pace | null;
  /** How many have it: what only one can want is not kept for another. */
  readonly clients: number;
}

const VIEWS: readonly View[] = FORMATS.map((format) => ({
  format,
  filter: null,
  pace: null,
  clients: Number.POSITIVE_INFINITY,
}));

/** The view of the records as they are, in a format; always the same one. */
export function viewIn(format: Format): View {
  return VIEWS.find((view) => view.format === format)!;
}

/** What a client gets that asks for nothing else. */
export const PLAIN: View = viewIn(TEXT);
