import { parseConfig } from '../../app/config/config.ts';
import { createAdmin } from '../../app/describe/admin.ts';
import { ConfigError } from '../../app/errors.ts';
import { CountedSlots } from '../../app/http/stream_slots.ts';
import { guardedClients } from '../../runtime/process/admin_token.ts';
import { exposeMetrics } from '../../runtime/process/prometheus.ts';
import { readStreams } from '../../runtime/process/streams_file.ts';
import { type RuntimeAdapter, Serving } from '../../runtime/serving.ts';

/** A gateway with ports of its own in this process, which others share. */
export class LocalGateway {
  readonly #serving: Serving;
  readonly #ended: Promise<void>;

  /** @param env its settings, as they would stand in the environment */
  static async start(
    adapter: RuntimeAdapter,
    env: Readonly<Record<string, string>>,
  ): Promise<LocalGateway> {
    const config = parseConfig(env);
    const read = readStreams(config);
    if (read !== null && 'faults' in read) throw new ConfigError(read.faults);
    const settings = { config, streams: read };
    const serving = await Serving.create(adapter, settings, new CountedSlots(config));
    const { gateway, listeners } = serving;
    await listeners.openPublic(config, gateway.fetch);
    const admin = createAdmin(
      'test',
      gateway.health,
      exposeMetrics(gateway.measured, serving.facts('test')),
      () => listeners.silent,
      guardedClients(config, gateway.clients),
    );
    await listeners.openAdmin(config, (request) => admin.fetch(request));
    return new LocalGateway(serving);
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
