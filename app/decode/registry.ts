import type { Web } from '../ports/web.ts';

/** How a registry is reached. */
export interface RegistrySettings {
  readonly registryUrl: string | null;
  readonly registryUsername: string | null;
  readonly registryPassword: string | null;
}

/** Gives a token to sign in to the registry with; rejects with why there is none, in words. */
export type RegistryToken = () => Promise<string>;

/** A schema as a registry has it, with all that it needs. */
export interface FoundSchema {
  readonly type: string;
  readonly text: string;
  /** What it refers to, each behind what it refers to itself; by the names that it is referred to by. */
  readonly references: readonly { readonly name: string; readonly text: string }[];
}

/** A schema as one answer has it. */
interface Answer {
  readonly type: string;
  readonly text: string;
  readonly references: readonly Reference[];
}

interface Reference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

const TIMEOUT_MS = 5000;
const MAX_BYTES = 2 ** 20;
/** Of one schema, all that it refers to included. */
const MAX_REFERENCES = 1000;
const MAX_ALL_BYTES = 16 * MAX_BYTES;

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * A schema registry that speaks Confluent's API: Confluent's own, Karapace, Apicurio's `ccompat`.
 * It is only asked, never written to.
 */
export class Registry {
  /** As it may be shown. */
  readonly name: string;
  readonly #web: Web;
  readonly #url: URL;
  readonly #basic: string | null;
  readonly #token: RegistryToken | null;
  /** Asked for, or known: versions do not change. */
  readonly #versions = new Map<string, Promise<Answer | null>>();

  /** @param token where there is no name and password to sign in with */
  constructor(
    web: Web,
    url: string,
    settings: RegistrySettings,
    token: RegistryToken | null = null,
  ) {
    const { registryUsername: username, registryPassword: password } = settings;
    this.name = url;
    this.#web = web;
    this.#url = new URL(url);
    this.#basic = username === null ? null : `Basic ${base64(`${username}:${password ?? ''}`)}`;
    this.#token = token;
  }

  /**
   * @returns `null` where the registry says that it has none
   * @throws an error in words where it does not answer
   */
  async schema(id: number | string): Promise<FoundSchema | null> {
    const path = typeof id === 'number' ? `schemas/ids/${id}` : `schemas/guids/${id}`;
    const answer = await this.#ask(path);
    if (answer === null) return null;
    const found = new Map<string, { name: string; text: string }>();
    let bytes = answer.text.length;
    const collect = async (references: readonly Reference[]): Promise<boolean> => {
      for (const reference of references) {
        const { name } = reference;
        if (found.has(name)) continue;
        const one = await this.#version(reference);
        if (one === null) return false;
        bytes += one.text.length;
        if (found.size >= MAX_REFERENCES || bytes > MAX_ALL_BYTES) return false;
        // Noted before what it refers to, so that a circle ends; and again, to stand behind that.
        found.set(name, { name, text: one.text });
        if (!(await collect(one.references))) return false;
        found.delete(name);
        found.set(name, { name, text: one.text });
      }
      return true;
    };
    if (!(await collect(answer.references))) return null;
    return { type: answer.type, text: answer.text, references: [...found.values()] };
  }

  async #version({ subject, version }: Reference): Promise<Answer | null> {
    const path = `subjects/${encodeURIComponent(subject)}/versions/${version}`;
    const asked = this.#versions.get(path) ?? this.#ask(path);
    this.#versions.set(path, asked);
    let answer: Answer | null = null;
    try {
      answer = await asked;
    } finally {
      if (answer === null) this.#versions.delete(path);
    }
    return answer;
  }

  async #headers(): Promise<Record<string, string>> {
    const accept = 'application/vnd.schemaregistry.v1+json, application/json';
    if (this.#basic !== null) return { accept, authorization: this.#basic };
    return this.#token === null
      ? { accept }
      : { accept, authorization: `Bearer ${await this.#token()}` };
  }

  async #ask(path: string): Promise<Answer | null> {
    const url = new URL(this.#url);
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`;
    const question = { headers: await this.#headers(), timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES };
    const { status, headers, body } = await this.#web.get(url.href, question);
    if (status === 404) return null;
    if (status >= 300 && status < 400) {
      throw new Error(`status ${status}, to ${headers.get('location')}: it is not followed`);
    }
    if (status !== 200) throw new Error(`status ${status}`);
    return readAnswer(body);
  }
}

/** @throws an error in words */
function readAnswer(body: Uint8Array): Answer {
  let parsed: Record<string, unknown> | null;
  try {
    parsed = JSON.parse(decoder.decode(body));
  } catch {
    throw new Error('no JSON');
  }
  const { schema, schemaType, references } = parsed ?? {};
  if (typeof schema !== 'string') throw new Error('no schema in its answer');
  return {
    type: typeof schemaType === 'string' ? schemaType : 'AVRO',
    text: schema,
    references: Array.isArray(references) ? references.filter(isReference) : [],
  };
}

function isReference(given: unknown): given is Reference {
  const { name, subject, version } = (given ?? {}) as Record<string, unknown>;
  return typeof name === 'string' && typeof subject === 'string' && Number.isSafeInteger(version);
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
