/** Both ends of one CPU's mailbox over one control page, for tests. */
import { InterruptController } from "../../src/bus/interrupt-controller.ts";
import { KickReceiver, KickSender } from "../../src/bus/kick.ts";
import { MailboxBus, type MailboxOptions, MailboxServer } from "../../src/bus/mailbox.ts";
import { allocateShared } from "../../src/memory/attach.ts";
import { Doorbell } from "../../src/memory/doorbell.ts";
import { type ControlPlan, type CpuPlan, type FunctionPlan, planControl } from "../../src/memory/plan.ts";
import type { SharedMemory } from "../../src/memory/shared-memory.ts";
import { InjectingMemory } from "../support/injecting-memory.ts";

/** Functions of every plan here; three, so that there is a middle one. */
export const FUNCTIONS = 3;
const SHAPE = { cpus: 1, functions: FUNCTIONS };
/** Words after the plan that tests use for themselves. */
const SPARE_BYTES = 4096;

export class ControlPage<Memory extends SharedMemory = SharedMemory> {
  readonly memory: Memory;
  readonly plan: ControlPlan = planControl(SHAPE);
  readonly cpu: CpuPlan;
  readonly hostBell: Doorbell;
  readonly cpuBell: Doorbell;
  readonly controller: InterruptController;

  constructor(memory: Memory) {
    this.memory = memory;
    const cpu = this.plan.cpus[0];
    if (cpu === undefined) throw new Error("a plan without a CPU");
    this.cpu = cpu;
    this.hostBell = new Doorbell(memory, this.plan.hostDoorbell);
    this.cpuBell = new Doorbell(memory, cpu.doorbell);
    this.controller = new InterruptController(memory, this.plan, 0, this.cpuBell);
  }

  /** Offset of a test's own word. */
  spare(index: number): number {
    return this.plan.bytes + 4 * index;
  }
  function(index: number): FunctionPlan {
    const plan = this.plan.functions[index];
    if (plan === undefined) throw new Error(`no function ${index}`);
    return plan;
  }
  server(): MailboxServer {
    return new MailboxServer(this.memory, this.cpu, this.cpuBell);
  }
  bus(kicks?: KickSender, options?: MailboxOptions): MailboxBus {
    return new MailboxBus(this.memory, this.cpu, { host: this.hostBell, cpu: this.cpuBell }, kicks, options);
  }
  kickSender(): KickSender {
    return new KickSender(this.memory, this.plan, this.hostBell);
  }
  kickReceiver(): KickReceiver {
    return new KickReceiver(this.memory, this.plan);
  }
}

export const controlPage = (): ControlPage<InjectingMemory> =>
  new ControlPage(new InjectingMemory(allocateShared(planControl(SHAPE).bytes + SPARE_BYTES)));
