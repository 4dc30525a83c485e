import { Buffer } from 'node:buffer';
import type { Connection, SASLOptions } from '@platformatic/kafka';
import type { Token } from '../tokens/token_source.ts';
import type { Gate } from './gate.ts';
import type { TokenSignIn } from './kafka_connection.ts';

/** Between the parts of what is shown: https://www.rfc-editor.org/rfc/rfc7628#section-3.1 */
const SEPARATOR = '\u0001';

/** What each connection showed last. */
const shown = new WeakMap<Connection, Token>();

/** Signs in with the token that is at hand when a connection is made, or has to show it again. */
export function tokenSignIn({ mechanism, tokens, extensions }: TokenSignIn): SASLOptions {
  return {
    mechanism,
    authenticate(_mechanism, connection, send, _username, _password, _token, done) {
      tokens.get().then(
        (token) => {
          shown.set(connection, token);
          send(connection, firstMessage(token, extensions), (error, answer) => {
            // A token that is refused is an answer with words in it.
            const words = answer?.authBytes?.toString('utf8') ?? '';
            if (error === null && words === '') return done(null, answer);
            if (error === null || isRefusal(error)) tokens.refused(token);
            return done(error ?? new Error(`SASL authentication failed: ${words}`), answer);
          });
        },
        (error) => done(error, undefined as never),
      );
    },
  };
}

/** Whether it is the brokers' answer, and not the connection that broke. */
function isRefusal(error: Error): boolean {
  const [first] = (error as { errors?: readonly { apiId?: unknown }[] }).errors ?? [];
  return first?.apiId === 'SASL_AUTHENTICATION_FAILED';
}

function firstMessage({ value }: Token, extensions: TokenSignIn['extensions']): Buffer {
  const pairs = [['auth', `Bearer ${value}`], ...Object.entries(extensions)];
  const text = pairs.map(([name, of]) => `${name}=${of}${SEPARATOR}`).join('');
  return Buffer.from(`n,,${SEPARATOR}${text}${SEPARATOR}`);
}

/**
 * Has a connection sign in again (KIP-368) with nothing else under way: what a broker gets meanwhile
 * ends the connection, and the client alone does not wait. With tokens it waits for another one first,
 * as long as the brokers let it. To be called before it connects.
 */
export function signInAgainAlone(
  connection: Connection,
  gate: Gate,
  signIn: TokenSignIn | null,
): void {
  const again = connection.reauthenticate.bind(connection);
  const closed = new AbortController();
  connection.once('close', () => closed.abort());
  const begin = (): void => {
    void gate.alone(async () => {
      if (!connection.isConnected()) return;
      const over = new Promise<void>((resolve) => {
        for (const event of ['sasl:authentication:extended', 'error', 'close'] as const) {
          connection.once(event, () => resolve());
        }
      });
      again();
      await over;
    });
  };
  connection.reauthenticate = () => {
    if (signIn === null) begin();
    else signIn.tokens.next(shown.get(connection) ?? null, closed.signal, begin);
  };
}
