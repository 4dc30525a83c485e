import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../model/random.ts';
import { within } from '../support/deadline.ts';
import type { Open } from './clients/follow.ts';
import type { SoakIssuer, TokenFault } from './issuer.ts';

const ANSWER_MS = 30_000;
const MAX_PAUSE_MS = 4000;
const MAX_NOTES = 5;
const FAULTS: readonly (TokenFault | 'none' | 'no right')[] = [
  'none',
  'no right',
  'a foreign key',
  'over',
  'another audience',
];
/** All that an EventSource is told that is not let in, or for which there is no room. */
const REFUSAL = /^retry:\d+\n\n(event:unauthorized\ndata:\{"reason":"[a-z]+"\}\n\n)?$/;
/** A line that says why. */
const MAX_WORDS = 300;

/** Those who may not read: each byte of what they are answered is looked at. */
export class Strangers {
  /** Answers that refused them. */
  refused = 0;
  /** Answers that told them something that they may not know. */
  leaked = 0;
  /** Requests that got neither an answer nor an end. */
  unanswered = 0;
  readonly notes: string[] = [];
  readonly #issuer: SoakIssuer;
  readonly #paths: readonly string[];

  /** @param topics that nobody of them may read */
  constructor(issuer: SoakIssuer, topics: readonly string[]) {
    this.#issuer = issuer;
    this.#paths = topics.flatMap((topic) => [`/${topic}`, `/${topic}?format=json`]);
  }

  /** So many of them try again and again until the signal aborts. */
  async tryAll(count: number, open: Open, seed: number, signal: AbortSignal): Promise<void> {
    const random = new Random(seed);
    setMaxListeners(0, signal);
    const all = Array.from({ length: count }, async () => {
      const own = random.fork();
      while (!signal.aborted) {
        // A gateway that is away tells nothing.
        await this.#try(open, own).catch((error) => this.#unanswered(`${error}`));
        await delay(own.between(0, MAX_PAUSE_MS), undefined, { signal }).catch(() => {});
      }
    });
    await Promise.all(all);
  }

  async #try(open: Open, random: Random): Promise<void> {
    const fault = random.pick(FAULTS);
    const path =
      fault === 'no right' && random.chance(0.3) ? '/-/topics' : random.pick(this.#paths);
    const accept = random.chance(0.5) ? { accept: 'text/event-stream' } : {};
    const headers = { ...accept, ...(await this.#shown(fault)) };
    const asked = within(`an answer to ${fault} at ${path}`, open(path, headers), ANSWER_MS);
    const { status, body, cut } = await asked;
    // A stream that was opened to a stranger does not end: what came of it says enough.
    const timer = setTimeout(cut, ANSWER_MS);
    const text = await textOf(body);
    clearTimeout(timer);
    cut();
    if (isRefusal(path, status, text)) this.refused++;
    else this.#leak(`${fault} at ${path}: ${status} ${JSON.stringify(text.slice(0, 300))}`);
  }

  async #shown(fault: TokenFault | 'none' | 'no right'): Promise<Record<string, string>> {
    if (fault === 'none') return {};
    const soon = Date.now() + 30_000;
    const scope = fault === 'no right' ? 'other:read' : this.#paths.map(scopeOf).join(' ');
    const token = await this.#issuer.token(
      { sub: 'stranger', scope },
      soon,
      fault === 'no right' ? null : fault,
    );
    return { authorization: `Bearer ${token}` };
  }

  #unanswered(why: string): void {
    if (!why.includes('waited')) return;
    this.unanswered++;
    if (this.notes.length < MAX_NOTES) this.notes.push(why);
  }

  #leak(note: string): void {
    this.leaked++;
    if (this.notes.length < MAX_NOTES) this.notes.push(note);
  }
}

/** What a token has to have to read a topic. */
export function scopeOf(topic: string): string {
  return `${topic.replace(/^\/|\?.*/g, '')}:read`;
}

function isRefusal(path: string, status: number, text: string): boolean {
  if (status !== 200) return [401, 403, 408, 503].includes(status) && text.length < MAX_WORDS;
  return path === '/-/topics' ? text === '{"topics":[]}' : REFUSAL.test(text);
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  try {
    for await (const bytes of body) {
      text += bytes.toString('latin1');
      if (text.length > MAX_WORDS) break;
    }
  } catch {
    // Cut: what came before counts.
  }
  return text;
}
