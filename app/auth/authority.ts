import type { Verdict } from './identity.ts';

/** A request, and what is known of it beside what it says. */
export interface Asked {
  readonly request: Request;
  /** The client's address. */
  readonly address: string;
}

/** Who knows who somebody is: the issuer of a token, the application. */
export interface Authority {
  /** Whether `/-/sign-in` makes the cookie that it looks at. */
  readonly makesCookie: boolean;
  /** What is missing before anybody can be let in, in words. */
  readonly missing: string | null;
  /** How old what is known of its keys is; null before anything is, and where it has none. */
  readonly keysAgeSeconds: number | null;
  /** Whether it is by a cookie that the request would be let in: a page of anybody's sends it along. */
  usesCookie(request: Request): boolean;
  identify(asked: Asked): Verdict | Promise<Verdict>;
  /** Keeps what it knows fresh, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}
