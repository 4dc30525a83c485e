import { ProtocolError } from './platformatic_on_node20.ts';

/** What went wrong, in words: the client wraps an error in others, each telling a part of it. */
export function errorWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  if (inner === undefined) return error.message;
  const words = errorWords(inner);
  return error instanceof AggregateError || error.message === ''
    ? words
    : `${error.message.replace(/\.$/, '')}: ${words}`;
}

/** The error that a broker names by its number. */
export function brokerError(code: number, what: string): Error {
  const cause = new ProtocolError(code);
  return new Error(`${what}: ${cause.message}`, { cause });
}

/** An answer that the client throws because it tells of an error, which may concern a part of it. */
export async function answerOf<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    const answer = (error as { response?: T }).response;
    if (answer === undefined) throw new Error(errorWords(error), { cause: error });
    return answer;
  }
}
