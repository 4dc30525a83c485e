import { FORMATS, type Format, TEXT } from './format.ts';

/**
 * What clients want of a topic's records. Those who want the same share one view: all that is made
 * of records for a client, blocks and pages, is kept by it and by nothing else.
 */
export interface View {
  readonly format: Format;
}

const VIEWS: readonly View[] = FORMATS.map((format) => ({ format }));

/** The view of the records as they are, in a format; always the same one. */
export function viewIn(format: Format): View {
  return VIEWS.find((view) => view.format === format)!;
}

/** What a client gets that asks for nothing else. */
export const PLAIN: View = viewIn(TEXT);
