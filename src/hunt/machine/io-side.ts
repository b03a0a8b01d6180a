/** An I/O thread of a small machine, and how the host's first thread calls it: the request lies in guest RAM. */
import { ThreadCaller } from "../../bus/thread-call.ts";
import type { DevicePart } from "../../host/device.ts";
import type { IoRequest, IoThreads } from "../../host/io-queues.ts";
import { IoThread } from "../../host/io-thread.ts";
import { Doorbell } from "../../memory/doorbell.ts";
import type { IoThreadPlan } from "../../memory/plan.ts";
import { site } from "../../wire/sites.ts";
import type { ThreadContext, ThreadProgram } from "../scenario.ts";
import { serveForEver } from "./host-side.ts";
import { slotOf } from "./layout.ts";
import { StampDevice } from "./stamp-device.ts";

const REQUEST = site("call: request");
const REQUEST_BYTES = 512;
/** Of function 0, the only one here that has queues on the I/O thread. */
export const PART = 1;
const THREAD = 1;

/** The end of RAM: beyond anything that the guest hands out. */
const requestAt = ({ ram }: ThreadContext): number => ram.size - REQUEST_BYTES;

function planOf({ plan }: ThreadContext): IoThreadPlan {
  const own = plan.ioThreads[THREAD - 1];
  if (own === undefined) throw new RangeError("the scenario has no I/O thread");
  return own;
}

/** The caller's end. */
export class HuntedIoThreads implements IoThreads {
  readonly count = 1;
  readonly #context: ThreadContext;
  readonly #caller: ThreadCaller;

  constructor(context: ThreadContext) {
    const { control, plan } = context;
    const bell = new Doorbell(control, planOf(context).doorbell);
    const host = new Doorbell(control, plan.hostDoorbell);
    this.#context = context;
    this.#caller = new ThreadCaller(control, planOf(context), () => bell.ring(), host, { spins: 1 });
  }

  call(_thread: number, request: IoRequest): void {
    const text = JSON.stringify(request);
    const bytes = Buffer.from(text.padEnd(REQUEST_BYTES));
    this.#context.ram.memory.writeBytes(requestAt(this.#context), bytes, REQUEST);
    this.#caller.ask(Number.POSITIVE_INFINITY);
  }

  removePart(): Promise<void> {
    return Promise.resolve();
  }
}

/** Serves from its first kick on: it hears of no status. */
export class StampPart extends StampDevice implements DevicePart {
  override starts = 1;
  override reset(): void {}
}

/** The I/O thread, with its part of function 0. */
export function ioThread(context: ThreadContext, model: DevicePart, queues: number): ThreadProgram {
  const { ram, control, plan } = context;
  const read = (): IoRequest => {
    const bytes = new Uint8Array(REQUEST_BYTES);
    ram.memory.readBytes(requestAt(context), bytes, REQUEST);
    return JSON.parse(Buffer.from(bytes).toString(), (key, value) =>
      key === "config" ? new Uint8Array(0) : value,
    ) as IoRequest;
  };
  const io = new IoThread({
    ram,
    control,
    plan,
    thread: THREAD,
    nextRequest: read,
    violated: ({ kind, detail }) => context.fail("O2 ownership", `on the I/O thread: ${kind}: ${detail}`),
    log: () => {},
  });
  const facts = Array.from({ length: queues }, (_, index) => ({ name: `q${index}`, size: 4 }));
  io.addPart({ part: PART, name: "device0", slot: slotOf(0), msixVectors: 0, queues: facts }, model);
  return {
    run: () => serveForEver(io, new Doorbell(control, planOf(context).doorbell)),
    describe: () => io.describe(),
  };
}
