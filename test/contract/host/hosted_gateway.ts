import { parseConfig } from '../../../app/config/config.ts';
import { createAdmin } from '../../../app/describe/admin.ts';
import { CountedSlots } from '../../../app/http/stream_slots.ts';
import { listen } from '../../../runtime/listen.ts';
import { exposeMetrics } from '../../../runtime/metrics.ts';
import { Serving } from '../../../runtime/serving.ts';
import type { MemoryKafka } from './memory_kafka.ts';
import { MemorySource } from './memory_source.ts';

/** A gateway with ports of its own in this process, which others share. */
export class HostedGateway {
  readonly #serving: Serving;
  readonly #ended: Promise<void>;

  /** @param env its settings, as they would stand in the environment */
  static async start(
    kafka: MemoryKafka,
    env: Readonly<Record<string, string>>,
  ): Promise<HostedGateway> {
    const config = parseConfig(env, 'node');
    const adapter = { name: 'node', createSource: () => new MemorySource(kafka), listen } as const;
    const serving = await Serving.create(adapter, config, new CountedSlots(config));
    const { gateway, listeners } = serving;
    await listeners.openPublic(config, gateway.fetch);
    const admin = createAdmin(
      gateway.health,
      exposeMetrics(gateway.measured),
      () => listeners.silent,
    );
    await listeners.openAdmin(config, (request) => admin.fetch(request));
    return new HostedGateway(serving);
  }

  private constructor(serving: Serving) {
    this.#serving = serving;
    this.#ended = serving.run();
  }

  /** As SIGTERM does it, or SIGINT; ends once it has let go of everything. */
  async end(how: 'drain' | 'stop'): Promise<void> {
    this.#serving[how]();
    await this.#ended;
  }
}
