/**
 * The monitor on one controlled thread (O11): it is told of this thread's accesses and of its end of the bus, as on a
 * live machine, and judges when the execution is over. It costs several times what an execution costs, so it is there
 * only where it was asked for, and where a failure is written down.
 */
import { LiveMemory } from "../memory/live-memory.ts";
import type { ControlPlan } from "../memory/plan.ts";
import { Ram } from "../memory/ram.ts";
import { type MemoryWatcher, RecordedMemory } from "../memory/recorded-memory.ts";
import type { ScheduledMemory } from "../memory/scheduled-memory.ts";
import type { Side } from "../monitor/moments.ts";
import { breaksMust, describeFinding, Monitor } from "../monitor/monitor.ts";
import type { Observer } from "../monitor/observer.ts";

export class StatementWatch {
  readonly ram: Ram;
  readonly control: RecordedMemory;
  readonly #quiet: Ram;
  readonly #plan: ControlPlan;
  readonly #slotOf: (functionIndex: number) => number | undefined;
  #monitor: Monitor | undefined;

  constructor(
    memories: { readonly ram: ScheduledMemory; readonly control: ScheduledMemory },
    plan: ControlPlan,
    slotOf: (functionIndex: number) => number | undefined,
  ) {
    const tell = this.#teller();
    this.ram = new Ram(new RecordedMemory(memories.ram, tell));
    this.control = new RecordedMemory(memories.control, tell);
    this.#quiet = new Ram(new LiveMemory(memories.ram.buffer));
    this.#plan = plan;
    this.#slotOf = slotOf;
  }

  /** Before each execution. Whoever watches nothing is no driver and no device. */
  reset(): void {
    this.#monitor = undefined;
  }

  /** Once an execution, for whoever knows what this thread is and has its end of the bus. */
  watch(side: Side): Observer {
    const [ram, plan, slotOf] = [this.#quiet, this.#plan, this.#slotOf];
    const monitor = new Monitor({ ram, plan, slotOf, sides: [side] });
    this.#monitor = monitor;
    return monitor.observer;
  }

  /** This thread goes to sleep with nothing more to do. */
  idle(): void {
    this.#monitor?.observer.sleep(0, true);
  }

  /** The MUSTs that were broken, a line for each. */
  broken(): string[] {
    return (this.#monitor?.findings ?? []).filter(breaksMust).map(describeFinding);
  }

  #teller(): MemoryWatcher {
    const tell = (told: (observer: Observer) => void): void => {
      if (this.#monitor !== undefined) told(this.#monitor.observer);
    };
    return {
      read: (site, offset, value) => tell((observer) => observer.read(site, offset, value)),
      write: (site, offset, value) => tell((observer) => observer.write(site, offset, value)),
      updated: (site, offset, operand, before) =>
        tell((observer) => observer.updated(site, offset, operand, before)),
      range: (site, offset, length, intent) =>
        tell((observer) => observer.range(site, offset, length, intent)),
      // A blocked thread may be in the middle of something: `idle` says when it is not.
      sleep: () => {},
      wake: () => {},
    };
  }
}
