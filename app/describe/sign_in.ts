/**
 * What the descriptions say more where not everybody may read.
 *
 * @module
 */

import { OWN_COOKIE } from '../auth/credentials.ts';
import { SIGN_IN_RESULTS } from '../auth/identity.ts';
import { SIGN_IN_PATH } from '../http/gate.ts';

/** A description as far as it is looked at here. */
interface Openapi {
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: object;
}
type PathItem = Readonly<Record<string, object>>;

interface Asyncapi {
  readonly servers: Readonly<Record<string, object>>;
  readonly channels: Readonly<Record<string, { readonly messages: object }>>;
  readonly operations: Readonly<
    Record<string, { readonly channel: { $ref: string }; readonly messages: readonly object[] }>
  >;
  readonly components: { readonly schemas: object; readonly messages: object };
}

const CHALLENGE = { 'WWW-Authenticate': { required: true, schema: { type: 'string' } } };
const TEXT = { 'text/plain': { schema: { type: 'string' } } };
const REFUSALS = {
  401: { description: 'No token, or one that does not count.', headers: CHALLENGE, content: TEXT },
  403: { description: 'No right, or a cookie from a page that is not listed.', content: TEXT },
  503: {
    description: 'No room, or who asks cannot be told right now.',
    headers: { 'Retry-After': { required: true, schema: { type: 'integer' } } },
    content: TEXT,
  },
};

const ADMIN_PATHS = ['/livez', '/readyz', '/metrics'];

/** Everything but the page's files, health and metrics. */
function isBehindSignIn(path: string): boolean {
  return path !== '/' && path !== '/index.html' && !ADMIN_PATHS.includes(path);
}

/** The description of what is asked over HTTP, with its security schemes. */
export function openapiWithSignIn(description: object, makesCookie: boolean): object {
  const { paths, components, ...rest } = description as Openapi;
  const schemes = {
    bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
    ...(makesCookie ? { cookie: { type: 'apiKey', in: 'cookie', name: OWN_COOKIE } } : {}),
  };
  const security = Object.keys(schemes).map((name) => ({ [name]: [] }));
  const signedPaths = Object.entries(paths).map(([path, item]) => [
    path,
    isBehindSignIn(path) ? withRefusals(item, security) : item,
  ]);
  return {
    ...rest,
    paths: {
      ...Object.fromEntries(signedPaths),
      ...(makesCookie ? { [SIGN_IN_PATH]: COOKIE_PATH } : {}),
    },
    components: { ...components, securitySchemes: schemes },
  };
}

function withRefusals(item: PathItem, security: readonly object[]): PathItem {
  const operations = Object.entries(item).map(([method, operation]) => {
    if (method === 'options') return [method, operation];
    const { responses } = operation as { readonly responses: object };
    return [method, { ...operation, security, responses: { ...responses, ...REFUSALS } }];
  });
  return Object.fromEntries(operations) as PathItem;
}

const COOKIE = { 'Set-Cookie': { required: true, schema: { type: 'string' } } };
const COOKIE_PATH = {
  post: {
    operationId: 'signIn',
    summary: 'Puts the token into a cookie, which an EventSource sends along.',
    security: [{ bearer: [] }],
    responses: {
      204: { description: 'It is set, until the token is over.', headers: COOKIE },
      401: REFUSALS[401],
      413: { description: 'The token does not fit a cookie.', content: TEXT },
      503: REFUSALS[503],
    },
  },
  delete: {
    operationId: 'signOut',
    summary: 'Takes the cookie away. Streams that are open go on until the token is over.',
    security: [],
    responses: { 204: { description: 'It is taken away.', headers: COOKIE } },
  },
};

const UNAUTHORIZED = {
  type: 'object',
  properties: { reason: { enum: SIGN_IN_RESULTS.filter((result) => result !== 'ok') } },
  required: ['reason'],
  additionalProperties: false,
};

/** In each format alike. */
const MESSAGES = {
  unauthorized: {
    name: 'unauthorized',
    summary: 'Not let in, and why; the stream ends behind it, and its client comes back.',
    contentType: 'application/json',
    payload: { $ref: '#/components/schemas/Unauthorized' },
  },
  expired: {
    name: 'expired',
    summary: 'The token is about to be over: the stream ends behind it, and goes on with the next.',
    contentType: 'application/json',
    payload: { type: 'object', additionalProperties: false },
  },
};

/** The description of the streams, with the events of a sign-in. */
export function asyncapiWithSignIn(description: object): object {
  const { servers, channels, operations, components, ...rest } = description as Asyncapi;
  const security = [{ $ref: '#/components/securitySchemes/bearer' }];
  const names = Object.keys(MESSAGES);
  return {
    ...rest,
    servers: mapped(servers, (server) => ({ ...server, security })),
    channels: mapped(channels, (channel) => ({
      ...channel,
      messages: {
        ...channel.messages,
        ...Object.fromEntries(
          names.map((name) => [name, { $ref: `#/components/messages/${name}` }]),
        ),
      },
    })),
    operations: mapped(operations, (operation) => ({
      ...operation,
      messages: [
        ...operation.messages,
        ...names.map((name) => ({ $ref: `${operation.channel.$ref}/messages/${name}` })),
      ],
    })),
    components: {
      ...components,
      schemas: { ...components.schemas, Unauthorized: UNAUTHORIZED },
      messages: { ...components.messages, ...MESSAGES },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  };
}

function mapped<T, U>(
  object: Readonly<Record<string, T>>,
  map: (value: T) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value)]));
}
