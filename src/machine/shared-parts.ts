/** The shared memory of one machine, made once and attached by each side. */
import { allocateShared, attachMemory } from "../memory/attach.ts";
import { Doorbell } from "../memory/doorbell.ts";
import {
  CARD_BYTES,
  type ControlPlan,
  INTX_LINES,
  KICK_WORDS,
  MAX_QUEUES,
  planControl,
} from "../memory/plan.ts";
import { Ram } from "../memory/ram.ts";
import type { SharedMemory } from "../memory/shared-memory.ts";
import { eventRingBytes } from "../observe/record/event-ring.ts";
import { MSIX } from "../wire/pci.ts";
import type { MachineSpec } from "./description.ts";
import type { SharedParts } from "./protocol.ts";

/** Functions beyond those described are room for hot plug. */
const SPARE_FUNCTIONS = 4;

export const planFor = ({ cpus, ioThreads, devices }: MachineSpec): ControlPlan =>
  planControl({ cpus, ioThreads, functions: Math.min(32, devices.length + SPARE_FUNCTIONS) });

export function allocateParts(spec: MachineSpec): SharedParts {
  const events = () => allocateShared(eventRingBytes(spec.watch.traceEvents));
  return {
    spec,
    control: allocateShared(planFor(spec).bytes),
    ram: allocateShared(spec.memory),
    epoch: performance.timeOrigin + performance.now(),
    ...(spec.watch.traceEvents > 0 && {
      events: { host: events(), guest: events(), io: Array.from({ length: spec.ioThreads }, events) },
    }),
  };
}

export interface AttachedParts {
  readonly spec: MachineSpec;
  readonly plan: ControlPlan;
  readonly control: SharedMemory;
  readonly ram: Ram;
  readonly hostDoorbell: Doorbell;
}

export function attachParts({ spec, control, ram }: SharedParts): AttachedParts {
  const plan = planFor(spec);
  const memory = attachMemory(control);
  return {
    spec,
    plan,
    control: memory,
    ram: new Ram(attachMemory(ram), spec.memoryBase),
    hostDoorbell: new Doorbell(memory, plan.hostDoorbell),
  };
}

/** What devices share with the guest, as after power-on. For when the host that served them has died. */
export function powerOff({ control, plan }: AttachedParts): void {
  const clear = (offset: number, bytes = 4) => control.fill(offset, bytes, 0, 0);
  for (const fn of plan.functions) {
    // First what the guest's kicks go by, then the kicks.
    control.store32(fn.notifyPort, 0, 0);
    control.store32(fn.isr, 0, 0);
    control.store32(fn.msixControl, 0, 0);
    clear(fn.msixPending, MSIX.maxVectors / 8);
    clear(fn.msixTable, MSIX.maxVectors * MSIX.entryBytes);
    clear(fn.servers, 4 * MAX_QUEUES);
    clear(fn.kicks, 4 * KICK_WORDS);
    clear(fn.card, CARD_BYTES);
  }
  for (const thread of plan.ioThreads) {
    for (const kicks of thread.kicks) clear(kicks, 4 * KICK_WORDS);
    control.store32(thread.kickSummary, 0, 0);
    control.store32(thread.callAsked, 0, 0);
    control.store32(thread.callDone, 0, 0);
    clear(thread.doorbell, Doorbell.BYTES);
  }
  control.store32(plan.kickSummary, 0, 0);
  for (let line = 0; line < INTX_LINES; line++) control.store32(plan.intxLines + 4 * line, 0, 0);
  // Who slept there sleeps no more.
  clear(plan.hostDoorbell, Doorbell.BYTES);
}

/** What the control page says, readable even while a side is blocked: for stall reports. */
export function describeControl({ control, plan }: AttachedParts) {
  const read = (offset: number) => control.load32(offset, 0);
  return {
    hostDoorbell: new Doorbell(control, plan.hostDoorbell).describe(),
    kickSummary: read(plan.kickSummary),
    intxLines: [0, 1, 2, 3].filter((line) => read(plan.intxLines + 4 * line) !== 0),
    cpus: plan.cpus.map((cpu) => ({
      doorbell: new Doorbell(control, cpu.doorbell).describe(),
      pendingSummary: read(cpu.summary),
      mailbox: {
        posted: read(cpu.mailboxHead),
        retired: read(cpu.mailboxTail),
        replies: read(cpu.mailboxReply),
      },
    })),
    ioThreads: plan.ioThreads.map((thread) => ({
      doorbell: new Doorbell(control, thread.doorbell).describe(),
      kickSummary: read(thread.kickSummary),
      calls: { asked: read(thread.callAsked), done: read(thread.callDone) },
    })),
    functions: plan.functions.map((fn) => ({ isr: read(fn.isr), msixPending: read(fn.msixPending) })),
  };
}
