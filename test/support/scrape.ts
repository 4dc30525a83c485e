import { getMetricsFromIterator, type PromMetrics } from 'prom2javascript';
import { eventually } from './deadline.ts';
import type { GatewayClient } from './gateway_client.ts';
import { askAlone } from './own_connection.ts';

type Labels = Readonly<Record<string, string>>;

interface Series {
  readonly labels: Labels;
  readonly value?: number;
  readonly count?: number;
  readonly sum?: number;
  readonly buckets?: Readonly<Record<string, number>>;
}

/** What `GET /metrics` said, read by a parser that has nothing to do with what wrote it. */
export class Scrape {
  readonly contentType: string;
  readonly #metrics: PromMetrics;

  /** @throws for a text that is not Prometheus' */
  static async of({ admin }: GatewayClient): Promise<Scrape> {
    const { status, contentType, text } = await askAlone(`${admin}/metrics`);
    if (status !== 200) throw new Error(`/metrics said ${status}`);
    // The parser knows no NaN, which stands for the mean of nothing.
    const lines = text.split('\n').filter((line) => !/ NaN$/i.test(line));
    const metrics = await getMetricsFromIterator(lines.values());
    return new Scrape(contentType, metrics);
  }

  private constructor(contentType: string, metrics: PromMetrics) {
    this.contentType = contentType;
    this.#metrics = metrics;
  }

  get names(): string[] {
    return Object.keys(this.#metrics);
  }

  describe(name: string): { readonly type: string; readonly help: string } {
    const { type, help } = this.#metrics[name]!;
    return { type, help };
  }

  series(name: string): readonly Series[] {
    const metric = this.#metrics[name];
    if (metric === undefined) throw new Error(`no metric ${name}`);
    return metric.data;
  }

  /** The one series that has exactly these labels. */
  one(name: string, labels: Labels = {}): Series {
    const wanted = text(labels);
    const found = this.series(name).filter((series) => text(series.labels) === wanted);
    if (found.length === 1) return found[0]!;
    const there = this.series(name).map((series) => text(series.labels));
    throw new Error(`${found.length} series ${name}${wanted}; there are ${there.join(' ')}`);
  }

  value(name: string, labels: Labels = {}): number {
    return this.one(name, labels).value!;
  }
}

/** Asks for the metrics until they are as expected; shows what they were last. */
export async function untilScraped(
  what: string,
  gateway: GatewayClient,
  look: (scrape: Scrape) => boolean,
): Promise<Scrape> {
  let last: Scrape | null = null;
  const shown = (): string =>
    `${what}; last seen: ${JSON.stringify(
      (last?.names ?? [])
        .filter((name) => name.startsWith('sse_kafka_'))
        .map((name) => [name, last!.series(name)]),
    )}`;
  return eventually(shown, async () => {
    last = await Scrape.of(gateway);
    return look(last) ? last : null;
  });
}

function text(labels: Labels): string {
  return `{${Object.entries(labels).sort().join(' ')}}`;
}
