import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { METRICS } from '../../app/describe/metrics.ts';
import { dashboard } from '../../helm/dashboard.mjs';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}

function read(file: string): string {
  return readFileSync(join(CLONE, file), 'utf8');
}

/** What a query asks for, by the names that `/metrics` has. */
function metricsIn(query: string): string[] {
  const names = query.match(/sse_kafka_\w+/g) ?? [];
  return names.map((name) => name.replace(/_(bucket|sum|count)$/, ''));
}

const KNOWN = METRICS.map(({ name }) => name);

describe('alerts.yaml', () => {
  const { groups } = parse(read('helm/gateway/alerts.yaml'));
  const alerts: Alert[] = groups[0].rules;

  test.each(alerts)('$alert asks for what /metrics has', ({ expr }) => {
    const asked = metricsIn(expr);
    expect(asked).not.toEqual([]);
    expect(KNOWN).toEqual(expect.arrayContaining(asked));
  });

  test('has a section in docs/runbook.md for each alert, and no other', () => {
    const sections = [...read('docs/runbook.md').matchAll(/^## (.+)$/gm)].map(([, name]) => name);
    expect(sections).toEqual(alerts.map(({ alert }) => alert));
  });
});

describe('dashboard()', () => {
  const made = dashboard(METRICS);

  test('is what the chart brings (npm run build && node helm/dashboard.mjs && npm run format)', () => {
    const kept = JSON.parse(read('helm/gateway/dashboards/sse-kafka.json'));
    expect(kept).toEqual(JSON.parse(JSON.stringify(made)));
  });

  test('shows every metric, and none that /metrics lacks', () => {
    const queries = made.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    const asked = new Set(queries.flatMap(metricsIn));
    expect([...asked].sort()).toEqual([...KNOWN].sort());
  });
});
