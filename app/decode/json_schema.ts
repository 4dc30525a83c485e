/**
 * What comes out of a value's schema, for the descriptions: in those words of JSON Schema that
 * OpenAPI 3.1 and AsyncAPI 3 both have. It may say less than the schema, never more.
 *
 * @module
 */

import type { JsonSchema, ValueSchema } from '../ports/values.ts';

/** Of all the components of a schema. */
const MAX_CHARACTERS = 64 * 1024;

export const DOUBLE: JsonSchema = {
  anyOf: [{ type: 'number' }, { enum: ['NaN', 'Infinity', '-Infinity'] }],
};

/** @returns `null` where it is too large to be shown */
export function valueSchema(
  component: string,
  components: ValueSchema['components'],
): ValueSchema | null {
  try {
    const { length: characters } = JSON.stringify(components);
    return characters > MAX_CHARACTERS ? null : { component, components, characters };
  } catch {
    // Deeper than the stack.
    return null;
  }
}

/** @param of the component of the whole @param type one within it */
export function componentName(of: string, type: string): string {
  return `${of}.${type.replace(/[^\w.-]/g, '_')}`;
}

export function refTo(component: string): { readonly $ref: string } {
  return { $ref: `#/components/schemas/${component}` };
}

export function anyOf(schemas: readonly JsonSchema[]): JsonSchema {
  return schemas.length === 1 ? schemas[0]! : schemas.length > 0 && { anyOf: schemas };
}

/** Texts, one of these where there are any. */
export function enumOf(names: readonly unknown[]): { readonly type: 'string' } {
  return { type: 'string', ...(names.length > 0 ? { enum: [...new Set(names)] } : {}) };
}
