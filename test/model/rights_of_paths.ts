import type { Random } from './random.ts';

/** Whoever reads, by what the tokens say. */
export interface User {
  readonly sub: string;
  readonly scope: string;
  readonly level?: number | null;
  readonly admin?: boolean;
}

interface Right {
  readonly text: string;
  holds(user: User, name: string | undefined): boolean;
}

const has = ({ scope }: User, one: string): boolean => scope.split(' ').includes(one);
const RIGHTS: readonly Right[] = [
  { text: 'true', holds: () => true },
  { text: '"a:read" in scopes', holds: (user) => has(user, 'a:read') },
  { text: '"b:read" in scopes', holds: (user) => has(user, 'b:read') },
  { text: 'claims.level > 2', holds: ({ level }) => (level ?? 0) > 2 },
  {
    text: 'claims.admin || "b:read" in scopes',
    holds: (user) => user.admin === true || has(user, 'b:read'),
  },
];
const OWN: Right = { text: 'claims.sub == params.name', holds: ({ sub }, name) => sub === name };
const SCOPES = ['a:read', 'b:read', 'orders:read', ''];

/** Paths, and the topic that each is of. */
const PATHS: ReadonlyMap<string, string> = new Map([
  ['/orders', 'orders'],
  ['/my/{name}', 'prices'],
  ['/all', 'prices'],
]);
export const TOPICS: readonly string[] = ['orders', 'prices'];

/** Who may read what: paths come and go, and their rights change. */
export class RightsOfPaths {
  readonly #rights = new Map<string, Right>();

  constructor(random: Random) {
    for (const path of PATHS.keys()) this.change(random, path);
  }

  /** Another right for one of the paths, or none of that name any more. */
  change(random: Random, path: string = random.pick([...PATHS.keys()])): void {
    const own = path === '/my/{name}' ? [OWN, OWN] : [];
    if (random.chance(0.1)) this.#rights.delete(path);
    else this.#rights.set(path, random.pick([...own, ...RIGHTS]));
  }

  /** As the streams file has it. */
  get text(): string {
    const rules = (isTopic: boolean): object =>
      Object.fromEntries(
        [...this.#rights]
          .filter(([path]) => (path === '/orders') === isTopic)
          .map(([path, { text: require }]) => {
            const topic = PATHS.get(path)!;
            return isTopic ? [topic, { require }] : [path, { topic, require }];
          }),
      );
    return JSON.stringify({ topics: rules(true), streams: rules(false) });
  }

  /** What a path of a request serves; as long as it is the same, its streams go on. */
  find(path: string): string | null {
    return this.#rights.get(patternOf(path))?.text ?? null;
  }

  permits(user: User, path: string): boolean {
    const [, name] = /^\/my\/(.*)$/.exec(path) ?? [];
    return this.#rights.get(patternOf(path))!.holds(user, name);
  }

  /** Paths without a parameter that somebody may read. */
  listed(user: User): string[] {
    const all = [...this.#rights.keys()].filter((path) => !path.includes('{'));
    return all.filter((path) => this.permits(user, path)).sort();
  }
}

export function topicOf(path: string): string {
  return PATHS.get(patternOf(path))!;
}

function patternOf(path: string): string {
  return path.startsWith('/my/') ? '/my/{name}' : path;
}

export function anyUser(random: Random, sub: string): User {
  return {
    sub,
    scope: [random.pick(SCOPES), random.pick(SCOPES)].join(' ').trim(),
    ...(random.chance(0.5) ? { level: random.pick([1, 3, null]) } : {}),
    ...(random.chance(0.3) ? { admin: random.chance(0.5) } : {}),
  };
}
