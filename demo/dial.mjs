import { say } from './say.mjs';

/** What the numbers a second are of: so many looks. */
const WINDOW = 5;
const MOST_NEWS = 20;

/** What the page shows of the demo's own clients, of the gateways, and of what has happened. */
export class Dial {
  #parts;
  #counts = { clients: 0, behind: 0, deliveries: 0, lost: 0, doubled: 0 };
  /** The oldest first. @type {{ at: number, cpu: number, deliveries: number }[]} */
  #looks = [];
  #behindSince = 0;
  /** The newest first. @type {{ at: number, text: string }[]} */
  #news = [];

  /**
   * @param {{ broker: import('./broker.mjs').Broker, gateways: import('./gateway.mjs').Gateway[],
   *   door: import('./door.mjs').Door, crowd: import('./crowd.mjs').Crowd }} parts
   */
  constructor(parts) {
    this.#parts = parts;
  }

  /** @param {string} text */
  tell(text) {
    say(text);
    this.#news = [{ at: Date.now(), text }, ...this.#news].slice(0, MOST_NEWS);
  }

  async look() {
    const { crowd, gateways } = this.#parts;
    this.#counts = crowd.look();
    const { clients, behind, deliveries } = this.#counts;
    const taken = await Promise.all(gateways.map((gateway) => gateway.cpu()));
    const cpu = taken.reduce((sum, one) => sum + one, this.#looks.at(-1)?.cpu ?? 0);
    const now = performance.now();
    this.#looks = [...this.#looks, { at: now, cpu, deliveries }].slice(-WINDOW);
    if (behind > 0) this.#behindSince ||= now;
    else if (this.#behindSince > 0) {
      const seconds = ((now - this.#behindSince) / 1000).toFixed(0);
      this.tell(`All ${clients} clients have everything again, ${seconds} s later`);
      this.#behindSince = 0;
    }
  }

  read() {
    const { broker, gateways, door } = this.#parts;
    const { clients, behind, lost, doubled } = this.#counts;
    const [first, last] = [this.#looks.at(0), this.#looks.at(-1)];
    const ms = (last?.at ?? 0) - (first?.at ?? 0);
    const deliveries = (last?.deliveries ?? 0) - (first?.deliveries ?? 0);
    const cpu = (last?.cpu ?? 0) - (first?.cpu ?? 0);
    return {
      clients,
      behind,
      lost,
      doubled,
      perSecond: ms > 0 ? Math.round((deliveries / ms) * 1000) : 0,
      cpuMicros: deliveries > 0 ? (cpu * 1e6) / deliveries : null,
      gateways: gateways.map((gateway) => ({
        name: gateway.name,
        isUp: gateway.isUp,
        connections: door.connectionsOf(gateway),
      })),
      broker: { isUp: broker.isUp },
      news: this.#news,
    };
  }
}
