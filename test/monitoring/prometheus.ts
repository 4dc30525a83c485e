import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { eventually } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { askAlone } from '../support/own_connection.ts';
import { Program } from '../support/program.ts';

export interface Alert {
  readonly state: 'pending' | 'firing';
  readonly labels: Readonly<Record<string, string>>;
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

export interface Course {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

/** A Prometheus that looks every second, with the rules of the chart, each minute of theirs a second. */
export class Prometheus implements AsyncDisposable {
  readonly #url: string;
  readonly #program: Program;

  /**
   * @param targets `host:port` of what has `/metrics`
   * @param parent of the folder for its files
   */
  static async start(
    targets: readonly string[],
    parent = process.env['TEST_FOLDER']!,
  ): Promise<Prometheus> {
    const folder = await mkdtemp(join(parent, 'prometheus-'));
    const rules = await readFile(
      new URL('../../helm/gateway/alerts.yaml', import.meta.url),
      'utf8',
    );
    await writeFile(join(folder, 'alerts.yaml'), hastened(rules));
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: ['alerts.yaml'],
      scrape_configs: [{ job_name: 'gateways', static_configs: [{ targets }] }],
    };
    // JSON is YAML.
    await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
    const port = await freePort();
    const prometheus = new Prometheus(port, folder);
    await prometheus.#untilUp();
    return prometheus;
  }

  private constructor(port: number, folder: string) {
    this.#url = `http://127.0.0.1:${port}`;
    this.#program = new Program(
      [
        'prometheus',
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { cwd: folder },
    );
  }

  query(expr: string): Promise<readonly Sample[]> {
    return this.#ask('query', { query: expr });
  }

  /** @param span from when to when, in Unix seconds */
  range(expr: string, [start, end]: readonly [number, number]): Promise<readonly Course[]> {
    const span = { start: `${start}`, end: `${end}`, step: '1' };
    return this.#ask('query_range', { query: expr, ...span });
  }

  async #ask<Result>(path: string, asked: { readonly query: string }): Promise<Result> {
    const url = `${this.#url}/api/v1/${path}?${new URLSearchParams(asked)}`;
    const { status, error, data } = JSON.parse((await askAlone(url)).text) as {
      status: string;
      error?: string;
      data: { result: Result };
    };
    if (status !== 'success') throw new Error(`${asked.query}: ${error}`);
    return data.result;
  }

  async firing(alert: string): Promise<readonly Alert[]> {
    const { data } = JSON.parse((await askAlone(`${this.#url}/api/v1/alerts`)).text) as {
      data: { alerts: readonly Alert[] };
    };
    return data.alerts.filter(
      ({ state, labels }) => state === 'firing' && labels['alertname'] === alert,
    );
  }

  /** Waits until an alert fires, or is over. */
  async until(alert: string, isFiring: boolean): Promise<void> {
    await eventually(
      `${alert} ${isFiring ? 'to fire' : 'to be over'}`,
      async () => (await this.firing(alert)).length > 0 === isFiring,
    );
  }

  async #untilUp(): Promise<void> {
    await eventually(
      () => `Prometheus to be ready; it said ${this.#program.stderr}`,
      async () => (await askAlone(`${this.#url}/-/ready`).catch(() => null))?.status === 200,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
  }
}

/** A window has to hold two looks at least. */
function hastened(rules: string): string {
  return rules
    .replace(/for: (\d+)m/g, (_, minutes) => `for: ${minutes}s`)
    .replace(/\[(\d+)m\]/g, (_, minutes) => `[${Math.max(5, Number(minutes))}s]`);
}
