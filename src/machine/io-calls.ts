/**
 * The host's first thread and its I/O threads. What is asked for goes through a message port, which can be read without
 * turning the event loop; that it is there, and that it is done, through shared words (`ThreadCaller`).
 */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import * as Comlink from "comlink";
import nodeEndpoint from "comlink/dist/esm/node-adapter.mjs";
import { BusTimeoutError } from "../bus/port-bus.ts";
import { ThreadCaller } from "../bus/thread-call.ts";
import type { BusNews } from "../bus/watched-bus.ts";
import type { IoRequest, IoThreads } from "../host/io-queues.ts";
import type { PartFacts } from "../host/io-thread.ts";
import { Doorbell } from "../memory/doorbell.ts";
import { unwrap } from "./fault.ts";
import type { IoLink, IoPartService, Outcome } from "./protocol.ts";
import type { AttachedParts } from "./shared-parts.ts";

/** The first thread's end. */
export class HostIoThreads implements IoThreads {
  readonly count: number;
  readonly #links: readonly IoLink[];
  readonly #callers: readonly ThreadCaller[];
  readonly #services: readonly Comlink.Remote<IoPartService>[];
  readonly #deadlineMs: number;
  #parts = 0;

  constructor({ spec, plan, control, hostDoorbell }: AttachedParts, links: readonly IoLink[]) {
    this.count = links.length;
    this.#links = links;
    this.#services = links.map(({ parts }) => Comlink.wrap<IoPartService>(nodeEndpoint(parts)));
    this.#deadlineMs = spec.deadlines.ioThreadMs;
    this.#callers = plan.ioThreads.map((callee) => {
      const bell = new Doorbell(control, callee.doorbell);
      return new ThreadCaller(control, callee, () => bell.ring(), hostDoorbell);
    });
  }

  call(thread: number, request: IoRequest): void {
    this.#links[thread - 1]?.calls.postMessage(request);
    if (this.#callers[thread - 1]?.ask(this.#deadlineMs)) return;
    const what = `"${request.kind}"${"queue" in request ? ` of queue ${request.queue}` : ""}`;
    throw new BusTimeoutError(`I/O thread ${thread} has not done ${what} for ${this.#deadlineMs} ms`);
  }

  readonly makeParts = async (
    facts: Omit<PartFacts, "part">,
    type: string,
    share: unknown,
  ): Promise<number> => {
    const part = ++this.#parts;
    await this.#all((service) => service.addPart({ ...facts, part }, type, share));
    return part;
  };

  removePart(part: number): Promise<void> {
    return this.#all((service) => service.removePart(part));
  }

  async #all(ask: (service: Comlink.Remote<IoPartService>) => Promise<unknown>): Promise<void> {
    const outcomes = await Promise.all(this.#services.map(ask));
    for (const outcome of outcomes) unwrap(outcome as Outcome<null>);
  }
}

/** The end of an I/O thread: what the call that is there asks for. */
export function nextRequest({ calls }: IoLink): IoRequest {
  const request = next<IoRequest>(calls);
  if (request === undefined) throw new Error("called for nothing");
  return request;
}

/** And what has happened at the bus: where somebody watches, all of it that came before a call is here by then. */
export function* newsOf({ news }: IoLink): Generator<BusNews> {
  for (let each = next<BusNews>(news); each !== undefined; each = next<BusNews>(news)) yield each;
}

const next = <Message>(port: MessagePort): Message | undefined => receiveMessageOnPort(port)?.message;

export function serveParts({ parts }: IoLink, service: IoPartService): void {
  Comlink.expose(service, nodeEndpoint(parts));
}
