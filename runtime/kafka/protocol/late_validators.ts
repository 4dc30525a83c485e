import { createRequire } from 'node:module';

type Validate = ((options: unknown) => boolean) & { errors?: unknown };

/** What is used of ajv. */
interface Ajv {
  compile(schema: object): Validate;
}

/**
 * Lets a package import that compiles schemas with ajv while it is imported, each at its first use
 * instead. @platformatic/kafka compiles those of all its options, most of which nobody asks for: half
 * of what its import costs, 0.4 s of a processor at each start.
 */
export async function withLateValidators<T>(name: string, load: () => Promise<T>): Promise<T> {
  const { prototype } = ajvOf(name);
  const compileNow = prototype.compile;
  prototype.compile = function (this: Ajv, schema) {
    let compiled: Validate | undefined;
    const validate: Validate = (options) => {
      compiled ??= compileNow.call(this, schema);
      const isValid = compiled(options);
      validate.errors = compiled.errors;
      return isValid;
    };
    return validate;
  };
  try {
    return await load();
  } finally {
    // Inherited before.
    delete (prototype as Partial<Ajv>).compile;
  }
}

/** The class that a package has from its own copy of ajv. */
function ajvOf(name: string): { readonly prototype: Ajv } {
  const own = createRequire(import.meta.url);
  return createRequire(own.resolve(name))('ajv/dist/2020.js').Ajv2020;
}
