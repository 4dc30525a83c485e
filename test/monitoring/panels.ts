import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { METRICS } from '../../app/describe/metrics.ts';
import { dashboard } from '../../helm/dashboard.mjs';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { drawing, type Line, nameOf } from './drawing.ts';
import type { Prometheus } from './prometheus.ts';

const { panels: PANELS } = dashboard(METRICS);

/** What the dashboard asks, by the title of the panel. */
export const QUERIES = PANELS.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({ title, expr: atHand(expr) })),
);

/** Whether a query gives something that can be drawn. */
export async function hasData(prometheus: Prometheus, expr: string): Promise<boolean> {
  const found = await prometheus.query(expr);
  return found.some(({ value: [, value] }) => value !== 'NaN');
}

/**
 * Writes a picture of the dashboard beside those of the page, to be looked at.
 *
 * @param begin Unix seconds
 */
export async function draw(prometheus: Prometheus, begin: number, name: string): Promise<void> {
  const span = [begin, Date.now() / 1000] as const;
  const lines = new Map<(typeof PANELS)[number], Line[]>();
  for (const panel of PANELS) {
    const of: Line[] = [];
    for (const { expr, legendFormat } of panel.targets ?? []) {
      for (const { metric, values } of await prometheus.range(atHand(expr), span)) {
        const points = values.map(([time, value]) => [time, Number(value)] as const);
        of.push({ name: nameOf(legendFormat, metric), points });
      }
    }
    lines.set(panel, of);
  }
  const folder = join(CLONE, 'test', 'screenshots');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), drawing(PANELS, lines, span));
}

/** What Grafana puts into a query. */
function atHand(expr: string): string {
  return expr.replaceAll('$topic', '.*').replaceAll('$__rate_interval', '15s');
}
