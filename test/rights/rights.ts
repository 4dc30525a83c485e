import type { Random } from '../model/random.ts';

/** What is said of somebody. */
export type Claims = Readonly<Record<string, unknown>>;
export type Params = Readonly<Record<string, string>>;

/** True, false, or that it cannot be worked out. */
export type Truth = boolean | 'error';

/** Who asks for what. */
export interface Situation {
  readonly claims: Claims;
  readonly params: Params;
  readonly topic: string;
}

/** An expression, and what it has to come to: worked out here without the gateway's code. */
export interface Expressed<Of> {
  readonly cel: string;
  holds(of: Of): Truth;
}

export type Right = Expressed<Situation>;

export const SCOPES = ['read', 'write', 'audit'];
export const ROLES = ['clerk', 'chief'];
export const TENANTS = ['north', 'south'];

const TRUE: Right = { cel: 'true', holds: () => true };

/** Of a claim that is not there, or of another type, nothing can be told. */
function ofClaim<T>(
  cel: string,
  name: string,
  isType: (claim: unknown) => claim is T,
  holds: (claim: T) => boolean,
): Right {
  return {
    cel,
    holds({ claims }) {
      const claim = claims[name];
      return isType(claim) ? holds(claim) : 'error';
    },
  };
}

const isText = (claim: unknown): claim is string => typeof claim === 'string';
const isNumber = (claim: unknown): claim is number => typeof claim === 'number';
const isList = (claim: unknown): claim is unknown[] => Array.isArray(claim);
const isBoolean = (claim: unknown): claim is boolean => typeof claim === 'boolean';

function scopesOf({ scope }: Claims): string[] {
  return isText(scope) ? scope.split(' ') : [];
}

function atom(random: Random, params: readonly string[]): Right {
  const [scope, role, tenant] = [random.pick(SCOPES), random.pick(ROLES), random.pick(TENANTS)];
  const level = random.between(0, 4);
  const [param] = params;
  const all: Right[] = [
    { cel: `"${scope}" in scopes`, holds: ({ claims }) => scopesOf(claims).includes(scope) },
    {
      cel: '(topic + ":read") in scopes',
      holds: ({ claims, topic }) => scopesOf(claims).includes(`${topic}:read`),
    },
    ofClaim(`"${role}" in claims.roles`, 'roles', isList, (roles) => roles.includes(role)),
    ofClaim(`claims.tenant == "${tenant}"`, 'tenant', isText, (given) => given === tenant),
    ofClaim(`claims["tenant"] != "${tenant}"`, 'tenant', isText, (given) => given !== tenant),
    ofClaim(`claims.level >= ${level}`, 'level', isNumber, (given) => given >= level),
    ofClaim('claims.admin', 'admin', isBoolean, (given) => given),
    { cel: 'has(claims.level)', holds: ({ claims }) => (claims['level'] ?? null) !== null },
  ];
  if (param !== undefined) {
    const own: Right = {
      cel: `claims.sub == params.${param}`,
      holds: ({ claims, params: given }) => claims['sub'] === given[param],
    };
    all.push(own, own, own);
  }
  return random.pick(all);
}

export function randomRight(random: Random, params: readonly string[], depth = 2): Right {
  return randomExpression(random, () => (random.chance(0.1) ? TRUE : atom(random, params)), depth);
}

/** One of some depth; an error gives way where the other side decides. */
export function randomExpression<Of>(
  random: Random,
  atom: () => Expressed<Of>,
  depth: number,
): Expressed<Of> {
  if (depth === 0 || random.chance(0.3)) return atom();
  const one = randomExpression(random, atom, depth - 1);
  if (random.chance(0.2)) {
    return {
      cel: `!(${one.cel})`,
      holds(of) {
        const truth = one.holds(of);
        return truth === 'error' ? truth : !truth;
      },
    };
  }
  const other = randomExpression(random, atom, depth - 1);
  const deciding = random.chance(0.5);
  return {
    cel: `(${one.cel}) ${deciding ? '||' : '&&'} (${other.cel})`,
    holds(of) {
      const truths = [one.holds(of), other.holds(of)];
      if (truths.includes(deciding)) return deciding;
      return truths.includes('error') ? 'error' : !deciding;
    },
  };
}

/** Somebody of whom some of it is said, and some of it wrongly. */
export function randomClaims(random: Random, sub: string, topics: readonly string[]): Claims {
  const claims: Record<string, unknown> = { sub };
  const scopes = [...SCOPES, ...topics.map((topic) => `${topic}:read`)];
  if (random.chance(0.8)) claims['scope'] = scopes.filter(() => random.chance(0.4)).join(' ');
  if (random.chance(0.6)) claims['roles'] = ROLES.filter(() => random.chance(0.5));
  if (random.chance(0.6)) claims['tenant'] = random.pick([...TENANTS, null]);
  if (random.chance(0.6)) claims['level'] = random.pick([0, 1, 2, 3, 4, '4', null]);
  if (random.chance(0.5)) claims['admin'] = random.chance(0.5);
  return claims;
}
