import type { OpenStream, OpenStreams } from './open_streams.ts';
import type { StreamWatch } from './stream_watch.ts';

/** What one turn of the event loop may cost, in milliseconds: the streams wait meanwhile. */
const TURN_MS = 2;

/** Which of the open streams are meant: those to which all of it applies. */
export interface ClientFilter {
  readonly topic: string | null;
  readonly sub: string | null;
  /** At least so many records. */
  readonly behind: number;
}

/** Whose streams are to end. */
export type ClientChoice = { readonly sub: string } | { readonly id: string };

/** The open streams, for whoever operates the gateway. */
export interface Clients {
  /** A JSON object a line, some lines at a time. */
  list(filter: ClientFilter): AsyncIterable<string>;
  /** Ends streams where a block ends. @returns how many */
  end(choice: ClientChoice): Promise<number>;
}

/** Those of this process. They are gone through in turns of the event loop, however many there are. */
export class ClientList implements Clients {
  readonly #streams: OpenStreams;
  /** Ids are distinct over all gateways. */
  readonly #prefix: string = crypto.randomUUID().slice(0, 8);

  constructor(streams: OpenStreams) {
    this.#streams = streams;
  }

  async *list({ topic, sub, behind }: ClientFilter): AsyncGenerator<string> {
    let lines = '';
    for await (const portion of this.#portions()) {
      for (const [stream, watch] of portion) {
        if (topic !== null && !stream.channel.parts.some((part) => part.topic === topic)) continue;
        if (sub !== null && watch.asker.sub !== sub) continue;
        if (behind > 0 && (stream.behind ?? 0) < behind) continue;
        lines += `${JSON.stringify(this.#describe(stream, watch))}\n`;
      }
      if (lines !== '') yield lines;
      lines = '';
    }
  }

  async end(choice: ClientChoice): Promise<number> {
    let ended = 0;
    for await (const portion of this.#portions()) {
      for (const [stream, watch] of portion) {
        const isMeant =
          'id' in choice ? this.#idOf(watch) === choice.id : watch.asker.sub === choice.sub;
        if (!isMeant) continue;
        stream.end('kicked');
        ended++;
      }
    }
    return ended;
  }

  /** Those that are open now, as many at a time as one turn has time for. */
  async *#portions(): AsyncGenerator<Iterable<[OpenStream, StreamWatch]>> {
    const { all } = this.#streams;
    const streams = [...all.keys()];
    let at = 0;
    function* portion(): Generator<[OpenStream, StreamWatch]> {
      const until = performance.now() + TURN_MS;
      while (at < streams.length && performance.now() < until) {
        const stream = streams[at++]!;
        const watch = all.get(stream);
        // It may have gone meanwhile.
        if (watch !== undefined) yield [stream, watch];
      }
    }
    while (at < streams.length) {
      yield portion();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  #idOf({ number }: StreamWatch): string {
    return `${this.#prefix}-${number}`;
  }

  #describe(stream: OpenStream, watch: StreamWatch): object {
    const { channel, address, events, bytes, behind } = stream;
    const { path, sub } = watch.asker;
    const since = new Date(watch.since).toISOString();
    const { topic } = channel;
    return { id: this.#idOf(watch), topic, path, address, sub, since, events, bytes, behind };
  }
}
