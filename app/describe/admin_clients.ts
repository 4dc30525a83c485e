import { getLogger } from '@logtape/logtape';
import type { Context, Hono } from 'hono';
import { bearerOf } from '../auth/credentials.ts';
import type { ClientChoice, ClientFilter, Clients } from '../http/client_list.ts';

const logger = getLogger(['sse-kafka', 'http']);

const METHODS = ['GET', 'HEAD', 'DELETE'];
/** Answers that are being made at once: each costs memory. */
const MAX_UNDER_WAY = 4;

/** Who is connected, and what whoever asks has to know. */
export interface GuardedClients {
  readonly clients: Clients;
  /** Asked at each request: it may change. */
  readonly token: () => Promise<string>;
}

/** `/clients`: `GET` lists the open streams, `DELETE` ends some of them; only with the token. */
export function addClients(admin: Hono, { clients, token }: GuardedClients): void {
  let underWay = 0;
  admin.all('/clients', async (c) => {
    if (underWay >= MAX_UNDER_WAY) return later(c, 'several are asked for already');
    underWay++;
    try {
      return (await refusalOf(c, token)) ?? (await answer(c, clients));
    } catch (error) {
      logger.error('Cannot tell who is connected: {error}', { error });
      return later(c, 'the log says why');
    } finally {
      underWay--;
    }
  });
}

async function refusalOf(c: Context, token: () => Promise<string>): Promise<Response | null> {
  const given = bearerOf(c.req.raw);
  if (given === null || !(await isSame(given, await token()))) {
    const text = 'Authorization: Bearer, with what stands in ADMIN_TOKEN_FILE\n';
    return c.text(text, 401, { 'www-authenticate': 'Bearer' });
  }
  if (METHODS.includes(c.req.method)) return null;
  return c.text('Only GET, HEAD and DELETE\n', 405, { allow: METHODS.join(', ') });
}

async function answer(c: Context, clients: Clients): Promise<Response> {
  if (c.req.method === 'DELETE') {
    const choice = choiceOf(c);
    if (choice === null) return c.text('DELETE takes either ?sub= or ?id=, not empty\n', 400);
    const ended = await clients.end(choice);
    logger.info('{ended} streams were ended from the admin port', { ended, ...choice });
    return c.json({ ended });
  }
  const filter = filterOf(c);
  if (filter === null) return c.text('behind takes a number of records\n', 400);
  const portions: string[] = [];
  for await (const portion of clients.list(filter)) portions.push(portion);
  return c.body(bodyOf(portions), 200, {
    'content-type': 'application/x-ndjson',
    'cache-control': 'no-store',
  });
}

function later(c: Context, why: string): Response {
  return c.text(`Not now: ${why}\n`, 503, { 'retry-after': '1' });
}

/** Takes as long wherever they differ. */
async function isSame(given: string, token: string): Promise<boolean> {
  const [one, other] = await Promise.all([given, token].map(digestOf));
  return one!.every((byte, at) => byte === other![at]);
}

async function digestOf(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}

/** An empty one is none; `null` where there is a fault. */
function filterOf(c: Context): ClientFilter | null {
  const behind = c.req.query('behind') || '0';
  if (!/^\d{1,15}$/.test(behind)) return null;
  const topic = c.req.query('topic') || null;
  return { topic, sub: c.req.query('sub') || null, behind: Number(behind) };
}

function choiceOf(c: Context): ClientChoice | null {
  const sub = c.req.query('sub');
  const id = c.req.query('id');
  if (sub && id === undefined) return { sub };
  return id && sub === undefined ? { id } : null;
}

/** Encoded as it is sent: as one it would hold the streams up. */
function bodyOf(portions: readonly string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < portions.length) controller.enqueue(encoder.encode(portions[at++]));
      else controller.close();
    },
  });
}
