import type { OwnFilter } from './filters.ts';
import { marksIn } from './marked.ts';
import type { Params } from './rights.ts';
import type { Served, User, Visible, World } from './world.ts';

/** Asks a gateway; the answer is whole once its body is. */
export type Ask = (path: string, init: RequestInit) => Promise<Response>;

interface Target {
  readonly served: Served;
  readonly params: Params;
  readonly path: string;
}

/** How the same is asked for. */
const WAYS = [
  { query: '?until=live', accept: 'text/event-stream' },
  { query: '?until=live&format=json', accept: 'text/event-stream' },
  { query: '?until=live&format=json', accept: '*/*' },
  { query: '?until=live', accept: 'application/json' },
  { query: '?until=live&since=-2', accept: 'application/json' },
] as const;

const LISTS = ['/-/topics', '/-/openapi.json', '/-/asyncapi.json'];

const NOTHING: ReadonlySet<string> = new Set();

/** One answer, all of it, as text of its bytes. */
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Status, head and body. */
  readonly bytes: string;
}

/** Looks through every answer for what its user may not see. */
export class Audit {
  /** What was looked at, and what was wrong. */
  answers = 0;
  readonly faults: string[] = [];
  readonly #world: World;
  readonly #ask: Ask;
  readonly #tokenOf: (user: User) => Promise<string>;
  /** Places and tags of whoever got them first: a right is not in them. */
  readonly #ids = new Map<string, string>();
  readonly #tags = new Map<string, { readonly user: string; readonly tag: string }>();

  constructor(world: World, ask: Ask, tokenOf: (user: User) => Promise<string>) {
    this.#world = world;
    this.#ask = ask;
    this.#tokenOf = tokenOf;
  }

  /** Asks for everything in every way, as everybody and as nobody. */
  async run(): Promise<void> {
    for (const user of this.#world.users) {
      for (const target of this.targets()) await this.#askFor(target, user);
      await this.#askForLists(user);
    }
    for (const target of this.targets()) await this.#askFor(target, null);
    for (const path of LISTS) {
      const answer = await this.#answer(path, null, {});
      this.#expect(path, null, answer, 401, NOTHING);
    }
    for (const { name } of this.#world.topics) {
      // With another method, and of what is reached by streams alone.
      const refused = await this.#answer(`/${name}/x`, this.#world.users[0]!, { method: 'POST' });
      this.#expect(`POST /${name}/x`, this.#world.users[0]!, refused, 404, NOTHING, false);
    }
  }

  /** What is served, for some values of the parameters. */
  targets(): Target[] {
    const names = this.#world.users.map(({ name }) => name);
    return this.#world.served.flatMap((served) =>
      served.params.length === 0
        ? [{ served, params: {}, path: served.path }]
        : [...names.slice(0, 2), 'nobody'].map((id) => ({
            served,
            params: { id },
            path: served.path.replace('{id}', id),
          })),
    );
  }

  async #askFor(target: Target, user: User | null): Promise<void> {
    const { served, path } = target;
    const visible = this.#visible(target, user, null);
    for (const [at, way] of WAYS.entries()) {
      const answer = await this.#askIn(way, target, user, null);
      if (visible === null) continue;
      if (at === 0) await this.#askAgain(target, user!, answer);
      if (at === 3) await this.#askForTag(path + way.query, user!, answer, visible.allowed);
    }
    const own = this.#world.ownFilter(served);
    const filtered = await this.#askIn(this.#world.random.pick(WAYS), target, user, own);
    if (visible !== null) await this.#askAgain(target, user!, filtered, own);
    const head = await this.#answer(path, user, {
      method: 'HEAD',
      headers: { accept: 'text/event-stream' },
    });
    this.#expect(`HEAD ${path}`, user, head, visible === null ? refusalOf(user) : 200, NOTHING);
  }

  #visible({ served, params }: Target, user: User | null, own: OwnFilter | null): Visible | null {
    return user === null ? null : this.#world.visible(user, served, params, own);
  }

  async #askIn(
    { query, accept }: (typeof WAYS)[number],
    target: Target,
    user: User | null,
    own: OwnFilter | null,
  ): Promise<Answer> {
    const visible = this.#visible(target, user, own);
    const path = target.path + query + (own === null ? '' : `&${own.query}`);
    const answer = await this.#answer(path, user, { headers: { accept } });
    const isTold = visible === null && accept === 'text/event-stream';
    const status = visible === null && !isTold ? refusalOf(user) : 200;
    const what = `${path} ${accept}`;
    this.#expect(what, user, answer, status, visible === null ? NOTHING : visible.allowed);
    if (isTold !== answer.bytes.includes('event:unauthorized')) {
      this.#fault(what, user, answer, 'unauthorized');
    }
    // Otherwise a gateway that sends nothing would be the best.
    const found = marksIn(answer.bytes);
    const lacks = visible?.needed.filter((mark) => !found.has(mark)) ?? [];
    if (!query.includes('since') && lacks.length > 0)
      this.#fault(what, user, answer, `no ${lacks} by ${target.served.where?.cel} and ${own?.cel}`);
    return answer;
  }

  /** With the id of whoever was first, who may be somebody else. */
  async #askAgain(
    target: Target,
    user: User,
    answer: Answer,
    own: OwnFilter | null = null,
  ): Promise<void> {
    const { path } = target;
    const [ownId] = [...answer.bytes.matchAll(/^id:(.+)$/gm)].map(([, id]) => id!);
    const id = this.#ids.get(path) ?? ownId;
    if (id === undefined) return;
    this.#ids.set(path, id);
    const headers = { accept: 'text/event-stream', 'last-event-id': id };
    const query = `?until=live&format=json${own === null ? '' : `&${own.query}`}`;
    const again = await this.#answer(path + query, user, { headers });
    const { allowed } = this.#visible(target, user, own)!;
    this.#expect(`${path}${query} after ${id}`, user, again, 200, allowed);
  }

  /** With its own tag nothing comes, with another's all. */
  async #askForTag(
    path: string,
    user: User,
    answer: Answer,
    allowed: ReadonlySet<string>,
  ): Promise<void> {
    const own = answer.headers.get('etag')!;
    const first = this.#tags.get(path);
    if (first === undefined) this.#tags.set(path, { user: user.name, tag: own });
    const asked = async (tag: string, status: number): Promise<void> => {
      const headers = { accept: 'application/json', 'if-none-match': tag };
      const again = await this.#answer(path, user, { headers });
      this.#expect(`${path} with ${tag}`, user, again, status, allowed);
    };
    await asked(own, 304);
    if (first !== undefined && first.user !== user.name) await asked(first.tag, 200);
  }

  async #askForLists(user: User): Promise<void> {
    const listed = this.#world.served.filter(
      (served) => served.params.length === 0 && this.#world.visible(user, served, {}) !== null,
    );
    const allowed = new Set(listed.flatMap(({ path, topic }) => [...marksIn(path), topic.name]));
    for (const path of LISTS) {
      const answer = await this.#answer(path, user, {});
      this.#expect(path, user, answer, 200, allowed);
      const found = marksIn(answer.bytes);
      const lacks = listed.filter((one) => [...marksIn(one.path)].some((mark) => !found.has(mark)));
      if (lacks.length > 0) this.#fault(path, user, answer, `no ${lacks.map((one) => one.path)}`);
    }
  }

  async #answer(path: string, user: User | null, init: RequestInit): Promise<Answer> {
    const headers = new Headers(init.headers);
    if (user !== null) {
      const token = await this.#tokenOf(user);
      const isByCookie = this.#world.random.chance(0.5);
      if (isByCookie) headers.set('cookie', `__Host-sse-kafka=${token}`);
      else headers.set('authorization', `Bearer ${token}`);
    }
    const response = await this.#ask(path, { ...init, headers });
    const body = Buffer.from(await response.arrayBuffer()).toString('latin1');
    const { status, headers: got } = response;
    this.answers++;
    return { status, headers: got, bytes: `${status}\n${JSON.stringify([...got])}\n${body}` };
  }

  #expect(
    what: string,
    user: User | null,
    answer: Answer,
    status: number,
    allowed: ReadonlySet<string>,
    isPrivate = true,
  ): void {
    if (answer.status !== status) this.#fault(what, user, answer, `status, expected ${status}`);
    const leaked = [...marksIn(answer.bytes)].filter((mark) => !allowed.has(mark));
    if (leaked.length > 0) this.#fault(what, user, answer, `LEAK of ${leaked}`);
    // No cache may give it to anybody else.
    const { headers } = answer;
    const isKept = !/\bprivate\b/.test(headers.get('cache-control') ?? '');
    const varies = /authorization, cookie/.test(headers.get('vary') ?? '');
    if (isPrivate && (isKept || !varies)) this.#fault(what, user, answer, 'for any cache');
  }

  #fault(what: string, user: User | null, answer: Answer, why: string): void {
    const who = user === null ? 'nobody' : JSON.stringify(user.claims);
    this.faults.push(`${why}: ${what} as ${who}: ${answer.bytes.slice(0, 400)}`);
  }
}

function refusalOf(user: User | null): number {
  return user === null ? 401 : 403;
}
