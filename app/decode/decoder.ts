import type { ValueSchema } from '../ports/values.ts';
import { AvroSchema } from './avro.ts';
import { copiedJsonSchema } from './json_schema_copy.ts';
import { jsonText } from './json_text.ts';
import { Malformed } from './malformed.ts';
import type { FoundSchema } from './registry.ts';

/** Makes JSON of values that were written with one schema. */
export interface Decoder {
  /**
   * @param bytes what is of the schema
   * @param rest what stands behind the id where that stands in a header, else `null`
   * @returns good until the next one
   * @throws Malformed where the bytes are no value of the schema
   */
  json(bytes: Uint8Array, rest: Uint8Array | null): Uint8Array;
  /** What JSON it makes; `null` where that cannot be shown. */
  readonly schema: ValueSchema | null;
}

/**
 * One for a schema that cannot be read says so of each value.
 * @param name that of its component where it is described
 */
export async function decoderOf(schema: FoundSchema, name: string): Promise<Decoder> {
  try {
    return await createDecoder(schema, name);
  } catch (error) {
    const why = `its schema cannot be read: ${(error as Error).message}`;
    return {
      schema: null,
      json() {
        throw new Malformed(why);
      },
    };
  }
}

async function createDecoder(
  { type, text, references }: FoundSchema,
  name: string,
): Promise<Decoder> {
  switch (type) {
    case 'AVRO':
      return new AvroSchema(
        text,
        references.map((reference) => reference.text),
        name,
      );
    case 'PROTOBUF': {
      // Only where it is used: its library takes 12 MB, and 100 ms to load.
      const { ProtobufSchema } = await import('./protobuf.ts');
      return new ProtobufSchema(text, references, name);
    }
    case 'JSON':
      // What the schema says is the producer's to keep.
      return { json: readJson, schema: copiedJsonSchema(name, text, references) };
    default:
      throw new Error(`of the type ${type}`);
  }
}

function readJson(bytes: Uint8Array): Uint8Array {
  const json = jsonText(bytes);
  if (json === null) throw new Malformed('not JSON');
  return json;
}
