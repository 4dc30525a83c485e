import { COMPRESSION } from './compression.ts';
import { eventually } from './deadline.ts';
import type { Ports } from './free_port.ts';
import { askAlone } from './own_connection.ts';
import { SseStream, type StreamOptions } from './sse_stream.ts';

/** What `GET /readyz` says. */
export interface Readiness {
  readonly status: number;
  readonly ready: boolean;
  readonly missing: readonly string[];
  readonly brokers: { readonly up: boolean; readonly error: string | null };
}

export interface GatewaySettings {
  readonly topics?: readonly string[];
  /** Settings that win over those of the tests. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The environment of a gateway under test. */
export function environmentOf(
  ports: Ports,
  brokers: string,
  { topics, env }: GatewaySettings,
): Readonly<Record<string, string>> {
  return {
    ...ports,
    KAFKA_BROKERS: brokers,
    DRAIN_SECONDS: '0',
    COMPRESSION,
    ...(topics === undefined ? {} : { TOPICS: topics.join() }),
    ...env,
  };
}

/** What can be asked of a gateway by its ports, whatever it runs in. */
export abstract class GatewayClient {
  readonly http: string;
  readonly https: string;
  readonly admin: string;

  constructor(ports: Ports) {
    this.http = `http://localhost:${ports.HTTP_PORT}`;
    this.https = `https://localhost:${ports.HTTPS_PORT}`;
    this.admin = `http://localhost:${ports.ADMIN_PORT}`;
  }

  /** What it has logged, for the label of a wait that failed; of one that shares a process its host says it. */
  get told(): string {
    return '';
  }

  stream(path: string, options?: StreamOptions): Promise<SseStream> {
    return SseStream.open(`${this.http}${path}`, options);
  }

  /** The first blocks from an id on, after the one with the time to come back. */
  async blocks(path: string, id: string, count: number): Promise<string[]> {
    await using stream = await this.stream(path, { headers: { 'last-event-id': id } });
    await stream.until(`${count} blocks`, () => stream.blocks.length > count);
    return stream.blocks.slice(1, count + 1).map(({ raw }) => raw);
  }

  async readiness(): Promise<Readiness> {
    const { status, text } = await askAlone(`${this.admin}/readyz`);
    return { status, ...(JSON.parse(text) as Omit<Readiness, 'status'>) };
  }

  async untilReady(): Promise<void> {
    await eventually(
      () => `/readyz to say 200${this.told}`,
      async () => (await this.readiness()).status === 200,
    );
  }
}
