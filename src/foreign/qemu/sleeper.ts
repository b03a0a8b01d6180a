/**
 * Sleeping without a doorbell: QEMU cannot ring one, so a sleep is a row of short timers with a look at the interrupts
 * in between, each longer than the one before. It takes a doorbell's place in the guest's loop.
 */
import type { Sleeper } from "../../guest/loop.ts";

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
    for (let waitMs = FIRST_MS; !awake && !this.#pending(); waitMs = Math.min(2 * waitMs, LONGEST_MS)) {
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise((resolve) => {
        timer = setTimeout(resolve, waitMs);
      });
      await Promise.race([timeout, wakeEarly]);
      clearTimeout(timer);
    }
  }
}
