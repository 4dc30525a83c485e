import { configureSync, type LogRecord, resetSync } from '@logtape/logtape';

/** What is logged at any level, in this process, until it is disposed of. */
export class Logged implements Disposable {
  readonly #records: LogRecord[] = [];

  constructor() {
    configureSync({
      reset: true,
      sinks: { kept: (record) => this.#records.push(record) },
      loggers: [
        { category: ['sse-kafka'], sinks: ['kept'], lowestLevel: 'debug' },
        { category: ['logtape', 'meta'], lowestLevel: 'fatal' },
      ],
    });
  }

  /** Each as its level and its message. */
  get lines(): string[] {
    return this.#records.map(({ level, message }) => `${level} ${message.join('')}`);
  }

  /** The properties of the last one with this template. */
  propertiesOf(template: string): Record<string, unknown> | undefined {
    return this.#records.findLast(({ rawMessage }) => rawMessage === template)?.properties;
  }

  [Symbol.dispose](): void {
    resetSync();
  }
}
