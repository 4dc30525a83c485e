import { DecodeCounts } from '../counts/decode_counts.ts';
import { ConfigError } from '../errors.ts';
import type { RecordSource } from '../ports/source.ts';
import type { ValueKind, ValueSchema } from '../ports/values.ts';
import type { Web } from '../ports/web.ts';
import { JsonValues } from './json_values.ts';
import { ReadingSource } from './reading_source.ts';
import { Registry, type RegistrySettings, type RegistryToken } from './registry.ts';
import { RegistryValues } from './registry_values.ts';
import { SchemaWait } from './schema_wait.ts';
import { Schemas } from './schemas.ts';

interface Settings extends RegistrySettings {
  readonly registryWaitSeconds: number;
}

/** Sees to it that the values of topics are read, each topic's as the streams file says. */
export class TopicValues {
  readonly counts: DecodeCounts = new DecodeCounts();
  /** Null where there is no registry. */
  readonly schemas: Schemas | null;
  readonly #waitMs: number;
  /** By topic. */
  readonly #waits = new Map<string, SchemaWait>();

  /**
   * @param web asks the registry
   * @param token signs in to it where there is no name and password
   * @throws ConfigError where there is a registry and nothing to ask it by
   */
  constructor(settings: Settings, web: Web | null, token: RegistryToken | null = null) {
    const { registryUrl, registryWaitSeconds } = settings;
    if (registryUrl !== null && web === null) {
      const expected = 'a gateway that was given the ports to ask by (createGateway)';
      throw new ConfigError([{ setting: 'REGISTRY_URL', expected }]);
    }
    this.schemas =
      registryUrl === null ? null : new Schemas(new Registry(web!, registryUrl, settings, token));
    this.#waitMs = registryWaitSeconds * 1000;
  }

  /** What is known of the schemas of a topic's values, that of the last one first. */
  schemasOf(topic: string): readonly ValueSchema[] {
    return this.#waits.get(topic)?.schemas ?? [];
  }

  /** The records of a source, for one topic. */
  of(source: RecordSource, topic: string, kind: ValueKind): RecordSource {
    if (kind === 'bytes') return source;
    const counts = this.counts.of(topic);
    if (kind === 'json') return new ReadingSource(source, new JsonValues(counts));
    if (this.schemas === null) throw new Error(`no registry for the values of ${topic}`);
    const wait = new SchemaWait(this.schemas, this.#waitMs);
    this.#waits.set(topic, wait);
    return new ReadingSource(source, new RegistryValues(this.schemas, counts), wait);
  }
}
