/**
 * Sleeping without a doorbell: QEMU cannot ring one, so a sleep is a row of waits with a look at the interrupts after
 * each. They begin as turns of the event loop, because a timer takes a millisecond at least and most requests take
 * less; then timers follow, each longer than the one before. It takes a doorbell's place in the guest's loop.
 */
import type { Sleeper } from "../../guest/loop.ts";

const TURNS_MS = 1;
const FIRST_MS = 1;
/** The longest that an interrupt from an idle machine goes unseen. */
const LONGEST_MS = 10;

export class PollingSleeper implements Sleeper {
  readonly #pending: () => boolean;

  constructor(pending: () => boolean) {
    this.#pending = pending;
  }

  announce(): number {
    return 0;
  }
  cancel(): void {}

  async sleepAsync(_ticket: number, wakeEarly: Promise<unknown> = new Promise(() => {})): Promise<void> {
    let awake = false;
    const wake = () => {
      awake = true;
    };
    wakeEarly.then(wake, wake);
    const turnsEnd = performance.now() + TURNS_MS;
    while (performance.now() < turnsEnd) {
      if (awake || this.#pending()) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (let waitMs = FIRST_MS; !awake && !this.#pending(); waitMs = Math.min(2 * waitMs, LONGEST_MS)) {
      await timeoutOr(waitMs, wakeEarly);
    }
  }
}

async function timeoutOr(ms: number, early: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([timeout, early]);
  clearTimeout(timer);
}
