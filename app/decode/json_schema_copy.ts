import type { JsonSchema, ValueSchema } from '../ports/values.ts';
import { valueSchema } from './json_schema.ts';

type JsonObject = Readonly<Record<string, unknown>>;

interface Document {
  readonly component: string;
  readonly schema: unknown;
  /** The names by which others refer to it. */
  readonly names: readonly string[];
}

/** A copy that refers to another part by a pointer or a name, which is not looked for yet. */
interface Referring {
  readonly copy: Record<string, unknown>;
  readonly from: Document;
  readonly to: string;
}

const TYPES: ReadonlySet<unknown> = new Set(
  ...[['null', 'boolean', 'integer', 'number', 'string', 'array', 'object']],
);

const isText = (given: unknown): boolean => typeof given === 'string';
const isNumber = (given: unknown): boolean => typeof given === 'number';
const isCount = (given: unknown): boolean => Number.isSafeInteger(given) && Number(given) >= 0;
const isList = (given: unknown): given is readonly unknown[] => Array.isArray(given);
const isObject = (given: unknown): given is JsonObject =>
  typeof given === 'object' && given !== null && !isList(given);

/** Words that are taken as they are, where they are what every version of JSON Schema has them for. */
const PLAIN: ReadonlyMap<string, (given: unknown) => boolean> = new Map([
  ['type', (given) => (isList(given) ? isSetOf(given, (one) => TYPES.has(one)) : TYPES.has(given))],
  ['enum', (given) => isList(given) && given.length > 0],
  ['const', () => true],
  ['title', isText],
  ['description', isText],
  ['format', isText],
  ['contentEncoding', isText],
  ['contentMediaType', isText],
  ['pattern', isPattern],
  ['minimum', isNumber],
  ['maximum', isNumber],
  ['exclusiveMinimum', isNumber],
  ['exclusiveMaximum', isNumber],
  ['multipleOf', (given) => isNumber(given) && Number(given) > 0],
  ['minLength', isCount],
  ['maxLength', isCount],
  ['minItems', isCount],
  ['maxItems', isCount],
  ['minProperties', isCount],
  ['maxProperties', isCount],
  ['uniqueItems', (given) => typeof given === 'boolean'],
  ['required', (given) => isList(given) && (given.length === 0 || isSetOf(given, isText))],
]);

/** Words that hold a schema, several by names, and a list of them, by the word that they become. */
const ONE: readonly string[] = ['items', 'additionalProperties', 'propertyNames'];
const NAMED: readonly string[] = ['properties', 'patternProperties', 'definitions', '$defs'];
const LISTED: ReadonlyMap<string, string> = new Map([
  ['allOf', 'allOf'],
  ['anyOf', 'anyOf'],
  // Of two that say less than they did both may hold.
  ['oneOf', 'anyOf'],
]);

/**
 * The components of a JSON Schema of whichever version, with what it refers to. Words are left out
 * that mean something else elsewhere, or that say more once the schemas within them say less (`not`,
 * `if`, `contains`); so is a reference to what is not there.
 *
 * @returns `null` where it cannot be shown
 */
export function copiedJsonSchema(
  component: string,
  text: string,
  references: readonly { readonly name: string; readonly text: string }[],
): ValueSchema | null {
  try {
    const main = documentOf(component, text, []);
    const others = references.map(({ name, text }, i) =>
      documentOf(`${component}.${i + 1}`, text, [name]),
    );
    return valueSchema(component, new Copier([main, ...others]).components());
  } catch {
    // No JSON, or deeper than the stack.
    return null;
  }
}

function documentOf(component: string, text: string, names: readonly string[]): Document {
  const schema: unknown = JSON.parse(text);
  const id = isObject(schema) ? (schema['$id'] ?? schema['id']) : null;
  return { component, schema, names: typeof id === 'string' ? [...names, id] : names };
}

class Copier {
  readonly #documents: readonly Document[];
  readonly #copies = new Map<string, JsonSchema>();
  /** Which of all that was copied is a schema. */
  readonly #schemas = new Set<unknown>();
  readonly #referring: Referring[] = [];

  constructor(documents: readonly Document[]) {
    this.#documents = documents;
  }

  components(): ValueSchema['components'] {
    for (const one of this.#documents) this.#copies.set(one.component, this.#copy(one.schema, one));
    for (const { copy, from, to } of this.#referring) {
      const pointer = this.#pointer(from, to);
      if (pointer !== null) copy['$ref'] = pointer;
    }
    // A circle of nothing but references has no end.
    for (const { copy } of this.#referring) {
      const passed = new Set<unknown>();
      let at: unknown = copy;
      while (isObject(at) && !passed.has(at)) {
        passed.add(at);
        at = typeof at['$ref'] === 'string' ? this.#at(at['$ref'].slice(COMPONENTS.length)) : null;
      }
      if (at !== null && passed.has(at)) delete copy['$ref'];
    }
    return Object.fromEntries(this.#copies);
  }

  #copy(schema: unknown, from: Document): JsonSchema {
    if (typeof schema === 'boolean') return schema;
    const copy: Record<string, unknown> = Object.create(null);
    this.#schemas.add(copy);
    if (!isObject(schema)) return copy;
    const { $ref } = schema;
    const inside = (one: unknown): JsonSchema => this.#copy(one, from);
    for (const [word, given] of Object.entries(schema)) {
      const isDefinitions = word === 'definitions' || word === '$defs';
      // Beside a reference other words count in some versions, and in others not.
      if (typeof $ref === 'string' && !isDefinitions) continue;
      if (PLAIN.get(word)?.(given) === true) copy[word] = given;
      else if (ONE.includes(word) && !isList(given)) copy[word] = inside(given);
      else if (NAMED.includes(word) && isObject(given)) {
        const all: Record<string, JsonSchema> = Object.create(null);
        for (const [name, one] of Object.entries(given)) all[name] = inside(one);
        copy[word] = all;
      } else if (LISTED.has(word) && isList(given) && given.length > 0) {
        copy[LISTED.get(word)!] = given.map(inside);
      }
    }
    if (Object.keys(copy['patternProperties'] ?? {}).some((pattern) => !isPattern(pattern))) {
      delete copy['patternProperties'];
      delete copy['additionalProperties'];
    }
    if (typeof $ref === 'string') this.#referring.push({ copy, from, to: $ref });
    return copy;
  }

  /** Where a reference leads, from the descriptions; `null` where to nothing that was copied. */
  #pointer(from: Document, to: string): string | null {
    const [name = '', fragment = ''] = to.split('#', 2);
    const document = name === '' ? from : this.#named(name, from);
    if (document === null || (fragment !== '' && !fragment.startsWith('/'))) return null;
    const path = `${document.component}${fragment}`;
    return this.#schemas.has(this.#at(path)) ? `${COMPONENTS}${path}` : null;
  }

  #named(name: string, from: Document): Document | null {
    const isCalled = (wanted: string) => (one: Document) =>
      one.names.some((own) => own === wanted || resolved(own, from) === wanted);
    const found =
      this.#documents.find(isCalled(name)) ?? this.#documents.find(isCalled(resolved(name, from)));
    return found ?? null;
  }

  #at(path: string): unknown {
    const [component, ...steps] = path.split('/');
    return steps.reduce<unknown>(
      (at, step) => (at as JsonObject | undefined)?.[unescaped(step)],
      this.#copies.get(component!),
    );
  }
}

const COMPONENTS = '#/components/schemas/';

/** https://www.rfc-editor.org/rfc/rfc6901 */
function unescaped(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return step;
  }
}

/** As a name stands in a document that says what it is called itself. */
function resolved(name: string, { names }: Document): string {
  const base = names.find((own) => URL.canParse(own));
  return base !== undefined && URL.canParse(name, base) ? new URL(name, base).href : name;
}

function isSetOf(list: readonly unknown[], isOne: (one: unknown) => boolean): boolean {
  return list.length > 0 && new Set(list).size === list.length && list.every(isOne);
}

function isPattern(given: unknown): boolean {
  if (typeof given !== 'string') return false;
  try {
    return new RegExp(given, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}
