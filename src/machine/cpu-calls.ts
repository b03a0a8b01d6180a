/**
 * Guest workers that ask one another for things. What is asked for goes through a message port, which can be read
 * without turning the event loop; that it is there, and that it is done, through shared words (`ThreadCaller`).
 */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import * as Comlink from "comlink";
import nodeEndpoint from "comlink/dist/esm/node-adapter.mjs";
import { InterruptController } from "../bus/interrupt-controller.ts";
import { BusTimeoutError, type PortBus } from "../bus/port-bus.ts";
import { ThreadCallee, ThreadCaller } from "../bus/thread-call.ts";
import { CALL_IRQ, type CpuRequest, type OtherCpus, QUEUES_IRQ } from "../guest/cpus.ts";
import type { RunOn } from "../guest/define.ts";
import type { Guest } from "../guest/guest.ts";
import { DeviceParts } from "../guest/virtio-pci/device-parts.ts";
import { Doorbell } from "../memory/doorbell.ts";
import { FIRST_SYSTEM_VECTOR } from "../wire/hot-plug.ts";
import { unwrap } from "./fault.ts";
import type { CpuLink, GuestService } from "./protocol.ts";
import type { AttachedParts } from "./shared-parts.ts";
import { moduleUrl } from "./thread.ts";

/** A CPU gave up its part of a device. */
interface ResetWish {
  readonly name: string;
  readonly reason: string;
}

/** CPU 0's end. */
export class GuestCpus implements OtherCpus {
  readonly count: number;
  readonly #callers: readonly ThreadCaller[];
  readonly #controllers: readonly InterruptController[];
  readonly #links: readonly CpuLink[];
  readonly #programs: readonly Comlink.Remote<Pick<GuestService, "run">>[];
  readonly #deadlineMs: number;

  constructor({ spec, plan, control }: AttachedParts, own: Doorbell, links: readonly CpuLink[]) {
    this.count = spec.cpus;
    this.#links = links;
    this.#programs = links.map(({ programs }) => Comlink.wrap(nodeEndpoint(programs)));
    this.#deadlineMs = spec.deadlines.portMs;
    this.#controllers = links.map(
      ({ cpu }) =>
        new InterruptController(control, plan, cpu, new Doorbell(control, cpuPlan(plan, cpu).doorbell)),
    );
    this.#callers = links.map(({ cpu }) => {
      const wake = (): void => this.#interrupt(cpu, CALL_IRQ);
      return new ThreadCaller(control, cpuPlan(plan, cpu), wake, own);
    });
  }

  call(cpu: number, request: CpuRequest): void {
    this.#links[cpu - 1]?.calls.postMessage(request);
    if (this.#callers[cpu - 1]?.ask(this.#deadlineMs)) return;
    throw new BusTimeoutError(`CPU ${cpu} has not done "${request.kind}" for ${this.#deadlineMs} ms`);
  }

  lookAtQueues(cpu: number): void {
    this.#interrupt(cpu, QUEUES_IRQ);
  }

  #interrupt(cpu: number, irq: number): void {
    this.#controllers[cpu - 1]?.post(FIRST_SYSTEM_VECTOR + irq);
  }

  /** From now on, resets devices that other CPUs found broken. */
  serve(guest: Guest): void {
    const take = (): boolean => {
      for (const { calls } of this.#links) {
        for (let wish = next<ResetWish>(calls); wish !== undefined; wish = next<ResetWish>(calls)) {
          guest.virtio.broken(wish.name, wish.reason);
        }
      }
      return true;
    };
    guest.irq.requestIrq(CALL_IRQ, take, "calls", this);
  }

  readonly runOn: RunOn = async (cpu, module, args = null) => {
    const remote = this.#programs[cpu - 1];
    if (remote === undefined) throw new RangeError(`there is no CPU ${cpu} besides this one`);
    return unwrap(await remote.run({ module: moduleUrl(module), args }));
  };
}

/** The end of another CPU: takes calls where it takes interrupts. */
export function serveCalls(
  { plan, control }: AttachedParts,
  { cpu, calls }: CpuLink,
  { guest, bus }: { readonly guest: Guest; readonly bus: PortBus },
): void {
  const first = cpuPlan(plan, 0);
  const bell = new Doorbell(control, first.doorbell);
  const interrupts = new InterruptController(control, plan, 0, bell);
  const callee = new ThreadCallee(control, cpuPlan(plan, cpu), bell);
  const parts = new DeviceParts({
    guest,
    bus,
    wantReset(name, reason) {
      calls.postMessage({ name, reason } satisfies ResetWish);
      interrupts.post(FIRST_SYSTEM_VECTOR + CALL_IRQ);
    },
  });
  const perform = (): void => {
    const request = next<CpuRequest>(calls);
    if (request === undefined) throw new Error("called for nothing");
    parts.perform(request);
  };
  guest.irq.requestIrq(CALL_IRQ, () => callee.take(perform), "calls", parts);
}

/** Lets CPU 0 run programs here. */
export function servePrograms({ programs }: CpuLink, { run }: GuestService): void {
  Comlink.expose({ run }, nodeEndpoint(programs));
}

const next = <Message>(port: MessagePort): Message | undefined => receiveMessageOnPort(port)?.message;

function cpuPlan({ cpus }: AttachedParts["plan"], cpu: number) {
  const own = cpus[cpu];
  if (own === undefined) throw new RangeError(`no CPU ${cpu} in the memory plan`);
  return own;
}
