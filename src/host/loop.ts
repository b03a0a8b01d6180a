/**
 * A host thread's loop, and the only place of the host that sleeps: poll; when idle spin a little, then announce the
 * sleep, look once more, and sleep on the doorbell.
 *
 * How long to spin adapts, as QEMU's polling does: a sleep that ended soon was one too early, so spin longer; one
 * that lasted says that spinning was in vain. An idle machine ends up asleep with no timer running.
 */
import type { Doorbell } from "../memory/doorbell.ts";
import type { BackEndWork } from "./back-end-work.ts";

/** A host thread's work: the first thread's (`Host`), or an I/O thread's. */
export interface LoopWork {
  readonly work: BackEndWork;
  /** One turn; true if anything was done. */
  poll(): boolean;
  /** A cheap look, for after a sleep was announced. */
  hasWork(): boolean;
}

export interface HostLoopOptions {
  /** The longest spin before a sleep, in microseconds. 0 never spins. */
  readonly spinUsMax?: number;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
}

/** Control messages and finished I/O come in through the event loop: let it turn this often. */
const YIELD_MS = 2;
/**
 * A sleep that lasted no longer was a short one. Much of it is the wake-up itself, and the peer's too where both
 * sleep: counted as rest, they would keep either side from ever polling for the other again.
 */
const SHORT_SLEEP_MS = 0.5;
/** Polls between looks at the clock, which cost about as much. */
const POLLS_PER_LOOK = 8;
const SPIN_MS_MIN = 0.004;

const eventLoopTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class HostLoop {
  /** Sleeps entered and event-loop turns given, for reports. */
  sleeps = 0;
  yields = 0;
  readonly #host: LoopWork;
  readonly #doorbell: Doorbell;
  readonly #now: () => number;
  readonly #spinMsMax: number;
  #spinMs: number;
  /** When the host was last seen to work, and the I/O that had ended by then. */
  #idleSince = 0;
  #ioSeen = 0;
  #stopped = false;
  #wake: () => void = () => {};

  constructor(host: LoopWork, doorbell: Doorbell, options: HostLoopOptions = {}) {
    this.#host = host;
    this.#doorbell = doorbell;
    this.#now = options.now ?? (() => performance.now());
    this.#spinMsMax = (options.spinUsMax ?? 100) / 1000;
    this.#spinMs = this.#spinMsMax;
    host.work.onEnded = () => this.#wake();
  }

  /** Serves the machine until `stop`. Rejects with our own bugs: a device that throws ends the run. */
  async run(): Promise<void> {
    while (!this.#stopped) {
      if (this.#pollWhileBusy()) await this.#yield();
      else await this.#sleep();
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  /**
   * Polls without a promise in between, because each costs more than a poll. True: the event loop is to turn; false:
   * there has been no work for as long as waiting seems worth it.
   */
  #pollWhileBusy(): boolean {
    const begun = this.#now();
    let worked = false;
    for (let polls = 1; !this.#stopped; polls++) {
      const idle = !this.#work();
      worked ||= !idle;
      // What is outstanding ends in the event loop. Otherwise the clock is not worth a look each time.
      const waiting = idle && this.#host.work.outstanding > 0;
      if (!waiting && polls % POLLS_PER_LOOK !== 0) continue;
      const now = this.#now();
      if (worked) this.#idleSince = now;
      worked = false;
      if (now - this.#idleSince >= this.#spinMs) return false;
      if (waiting || now - begun >= YIELD_MS) return true;
    }
    return true;
  }

  #work(): boolean {
    const { ended: count } = this.#host.work;
    const ended = count !== this.#ioSeen;
    this.#ioSeen = count;
    return this.#host.poll() || ended;
  }

  async #sleep(): Promise<void> {
    const wakeEarly = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const before = this.#now();
    // Ordering I: announce, then look for work.
    const ticket = this.#doorbell.announce();
    if (this.#stopped || this.#host.hasWork()) {
      this.#doorbell.cancel();
      return;
    }
    this.sleeps++;
    await this.#doorbell.sleepAsync(ticket, wakeEarly);
    this.#adapt(this.#now() - before);
  }

  #adapt(sleptMs: number): void {
    if (sleptMs < this.#spinMsMax + SHORT_SLEEP_MS) {
      this.#spinMs = Math.min(this.#spinMsMax, Math.max(SPIN_MS_MIN, 2 * this.#spinMs));
    } else {
      this.#spinMs = this.#spinMs < 2 * SPIN_MS_MIN ? 0 : this.#spinMs / 2;
    }
  }

  #yield(): Promise<void> {
    this.yields++;
    return eventLoopTurn();
  }
}
