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

/**
 * And what has happened at the bus, where somebody watches. The first thread tells of a write before it makes it, and
 * what a write changes for this thread it then calls about. So a write counts here when the call has come, or when the
 * first thread is seen to have gone on; until then this thread works by what was before. What is in memory (the MSI-X
 * table) counts at once, as it does for this thread's interrupts.
 */
export class BusNewsReader {
  readonly #news: MessagePort;
  readonly #tell: (news: BusNews) => void;
  #held: BusNews | undefined;

  constructor({ news }: Pick<IoLink, "news">, tell: (news: BusNews) => void) {
    this.#news = news;
    this.#tell = tell;
  }

  /** Tells what has come since. */
  readonly listen = (): void => {
    for (let news = next<BusNews>(this.#news); news !== undefined; news = next<BusNews>(this.#news)) {
      this.#release();
      if (isPortWrite(news)) this.#held = news;
      else this.#tell(news);
    }
  };

  /** A call is here: all that came before it is, too. */
  called(): void {
    this.listen();
    this.#release();
  }

  #release(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#tell(held);
  }
}

const isPortWrite = (news: BusNews): boolean =>
  news.kind === "access" && news.access.write && news.access.space === "port";

const next = <Message>(port: MessagePort): Message | undefined => receiveMessageOnPort(port)?.message;

export function serveParts({ parts }: IoLink, service: IoPartService): void {
  Comlink.expose(service, nodeEndpoint(parts));
}
