/** The host's workers as the main thread has them: the first, and I/O workers beside it. They live and die together. */
import { MessageChannel } from "node:worker_threads";
import { addCounters, QueueCounters } from "../observe/record/counters.ts";
import { type Hear, Side } from "./control.ts";
import { unwrap } from "./fault.ts";
import type {
  FunctionQueueState,
  FunctionState,
  HostState,
  IoLink,
  IoService,
  IoSideParts,
  IoThreadState,
  Outcome,
  SharedParts,
} from "./protocol.ts";
import { accountOf, type RunError } from "./run.ts";

export class IoWorkers {
  /** The first thread's ends, for its worker; they are transferred once. */
  readonly links: readonly IoLink[];
  readonly sides: readonly Side<IoService>[];

  constructor(shared: SharedParts, hear: Hear) {
    const pairs = Array.from({ length: shared.spec.ioThreads }, (_, index) => linkPair(index + 1));
    this.links = pairs.map(([first]) => first);
    this.sides = pairs.map(([, other]) => startWorker({ ...shared, link: other }, hear));
  }

  get ready(): Promise<unknown> {
    return Promise.all(this.sides.map(({ ready }) => ready));
  }

  /** They are to serve before the first thread hands them anything. */
  async start(): Promise<void> {
    const start = async ({ service }: Side<IoService>) => unwrap((await service.start()) as Outcome<null>);
    await Promise.all(this.sides.map(start));
  }

  /** The host's state: what each of its threads has served, together. */
  async describe(
    first: HostState | null,
    limitMs?: number,
  ): Promise<{ readonly state: HostState | null; readonly error: RunError | null }> {
    const accounts = await Promise.all(this.sides.map((side) => accountOf(side, limitMs)));
    const error = accounts.find((account) => account.error !== null)?.error ?? null;
    if (first === null) return { state: null, error };
    return {
      state: accounts.reduce((host, { state }, index) => merge(host, state, index + 1), first),
      error,
    };
  }

  async end(): Promise<void> {
    await Promise.all(this.sides.map((side) => side.end()));
  }
}

export const ioPortsOf = (links: readonly IoLink[]) =>
  links.flatMap(({ calls, parts, news }) => [calls, parts, news]);

function linkPair(thread: number): readonly [IoLink, IoLink] {
  const calls = new MessageChannel();
  const parts = new MessageChannel();
  const news = new MessageChannel();
  return [
    { thread, calls: calls.port1, parts: parts.port1, news: news.port1 },
    { thread, calls: calls.port2, parts: parts.port2, news: news.port2 },
  ];
}

const startWorker = (parts: IoSideParts, hear: Hear): Side<IoService> =>
  new Side<IoService>(`I/O thread ${parts.link.thread}`, parts, {
    entry: "io",
    transfer: ioPortsOf([parts.link]),
    hear,
  });

function merge(host: HostState, io: IoThreadState | null, thread: number): HostState {
  if (io === null) return host;
  return {
    ...host,
    findings: host.findings === null ? io.findings : [...host.findings, ...(io.findings ?? [])],
    violations: [...host.violations, ...io.violations],
    functions: host.functions.map((each) => {
      const part = io.functions.find(({ name }) => name === each.name);
      return part === undefined ? each : mergeFunction(each, part, thread);
    }),
    log: [...host.log, ...io.log.map((line) => `I/O thread ${thread}: ${line}`)],
  };
}

const mergeFunction = (
  whole: FunctionState,
  { queues, model }: IoThreadState["functions"][number],
  thread: number,
): FunctionState => ({
  ...whole,
  queues: whole.queues.map((queue, index) => {
    const counters = queues[index]?.counters;
    return counters === undefined ? queue : mergeQueue(queue, counters, thread);
  }),
  parts: { ...whole.parts, [thread]: model },
});

/** A queue is one thread's at a time: what the others counted are its lives before. */
function mergeQueue(queue: FunctionQueueState, more: QueueCounters, thread: number): FunctionQueueState {
  const counters = [queue.counters, more].reduce(addCounters, new QueueCounters());
  return { ...queue, counters, ioThread: more.kicksReceived > 0 ? thread : queue.ioThread };
}
