import type { ValueKind, ValueSchema } from '../ports/values.ts';
import { EVENT_SCHEMAS, eventSchema } from './event_schemas.ts';

/** Of all schemas in a description: what is beyond is not told. */
const MAX_CHARACTERS = 2 ** 21;

/** What is known of the values of those paths that are described. */
export interface ValueSchemas {
  readonly components: Readonly<Record<string, object | boolean>>;
  /** By path, what its records in JSON are of; only where something is known. */
  readonly records: ReadonlyMap<string, object>;
}

export const NO_VALUE_SCHEMAS: ValueSchemas = { components: {}, records: new Map() };

interface Described {
  readonly path: string;
  readonly parts: readonly { readonly topic: string; readonly value?: ValueKind }[];
}

/** @param schemasOf what is known of a topic */
export function valueSchemasOf(
  described: readonly Described[],
  schemasOf: (topic: string) => readonly ValueSchema[],
): ValueSchemas {
  const components: Record<string, object | boolean> = {};
  const parts = described.flatMap((one) => one.parts);
  let left = MAX_CHARACTERS;
  for (const topic of new Set(parts.map((part) => part.topic))) {
    const schemas = schemasOf(topic);
    const characters = schemas.reduce((sum, schema) => sum + schema.characters, 0);
    if (schemas.length === 0 || characters > left) continue;
    left -= characters;
    for (const schema of schemas) Object.assign(components, schema.components);
    components[recordName(topic)] = recordOf(schemas);
  }
  const records = new Map<string, object>();
  for (const { path, parts } of described) {
    const isKnown = ({ topic }: { topic: string }): boolean => recordName(topic) in components;
    if (!parts.some(isKnown)) continue;
    const all = parts.map((part) =>
      isKnown(part)
        ? componentRef(recordName(part.topic))
        : eventSchema((part.value ?? 'bytes') === 'bytes' ? 'JsonRecord' : 'ReadRecord'),
    );
    records.set(path, all.length === 1 ? all[0]! : { anyOf: all });
  }
  return { components, records };
}

/** None that a schema has, which all begin alike. */
function recordName(topic: string): string {
  return `record.${topic}`;
}

function componentRef(name: string): { readonly $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

/** A record whose value is of one of these schemas, as far as they are known. */
function recordOf(schemas: readonly ValueSchema[]): object {
  const { ReadRecord } = EVENT_SCHEMAS;
  return {
    ...ReadRecord,
    description: 'By the schemas that are known by now, that of the last record first.',
    properties: {
      ...ReadRecord.properties,
      value: {
        anyOf: [
          ...schemas.map(({ component }) => componentRef(component)),
          { type: 'string', description: 'With `error`: as in JsonRecord.' },
        ],
      },
    },
  };
}
