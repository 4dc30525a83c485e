import { describe, expect, test } from '@jest/globals';
import { identityOf } from './identity.ts';
import { holds, parseRight } from './rights.ts';

const wanted = (topic: string) => ({ topic, right: null, params: {} });

/** What the tokens of those who make them look like; beside it the right that fits. */
const PROVIDERS: [string, string, object][] = [
  [
    'Keycloak',
    '"reader" in claims.realm_access.roles',
    { realm_access: { roles: ['offline_access', 'reader'] }, azp: 'shop', scope: 'openid email' },
  ],
  [
    'Entra ID',
    '"Reader" in claims.roles',
    { tid: 'b3', oid: 'c4', roles: ['Reader'], scp: 'Orders.Read', ver: '2.0' },
  ],
  [
    'Auth0',
    '"read:orders" in claims.permissions',
    { permissions: ['read:orders'], scope: 'openid', azp: 'x', gty: 'client-credentials' },
  ],
  [
    'Cognito',
    '"readers" in claims["cognito:groups"]',
    { 'cognito:groups': ['readers'], token_use: 'access', client_id: 'gateway', username: 'a' },
  ],
  ['Okta', '"readers" in claims.groups', { groups: ['Everyone', 'readers'], scp: ['openid'] }],
  [
    'Kubernetes',
    'claims.sub == "system:serviceaccount:shop:dashboard"',
    {
      sub: 'system:serviceaccount:shop:dashboard',
      'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'dashboard' } },
    },
  ],
  ['a scope', '"orders:read" in scopes', { scope: 'openid orders:read' }],
  ['each topic its own', '(topic + ":read") in scopes', { scp: ['orders:read'] }],
];

describe('holds()', () => {
  test.each(PROVIDERS)('holds() for a token of %s, and for no other', (_, text, claims) => {
    const right = parseRight(text);
    const of = (said: object) => holds(right, identityOf({ ...said }, 1), wanted('orders'));
    expect(of(claims)).toBe(true);
    expect(of({})).toBe(false);
    for (const name of Object.keys(claims)) {
      if (text.includes(name)) expect(of({ ...claims, [name]: null })).toBe(false);
    }
    if (text.includes('topic')) {
      expect(holds(right, identityOf({ ...claims }, 1), wanted('prices'))).toBe(false);
    }
  });

  test('holds() not where it cannot be worked out, whichever way it is put', () => {
    const identity = identityOf({ sub: 'alice' }, 1);
    for (const text of ['claims.admin', '!claims.blocked', 'claims.tenant != "b"']) {
      expect([text, holds(parseRight(text), identity, wanted('t'))]).toEqual([text, false]);
    }
  });
});
