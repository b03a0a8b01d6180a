/**
 * Serving a block device's queues on a `Disk`, on whichever host thread. A disk that answers later holds nothing up: any
 * number of requests are out at once, and each is given back when its answer comes.
 */
import type { Chain, DevicePart, DeviceQueue, QueueContext } from "../../host/index.ts";
import { BLK_CONFIG, BLK_FEATURE, BLK_TYPE } from "../../wire/blk.ts";
import { hasFeature } from "../../wire/features.ts";
import type { Disk, DiskShare } from "./disk.ts";
import { openFileDisk } from "./file-disk.ts";
import { Leftovers } from "./leftovers.ts";
import { sharedDisk } from "./memory-disk.ts";
import { IOERR, type Job, type Outcome, perform } from "./perform.ts";
import { parseRequest } from "./request.ts";

/** What a block device's parts on I/O threads are made from. */
export interface BlkShare {
  readonly disk: DiskShare;
  readonly serial: Uint8Array;
}

/** The same disk on this thread. */
export async function openPart({ disk, serial }: BlkShare): Promise<BlkRequests> {
  const opened =
    disk.kind === "memory"
      ? sharedDisk(disk.content, disk.readOnly)
      : await openFileDisk(disk.path, disk.readOnly);
  return new BlkRequests(opened, serial);
}

export class BlkRequests implements DevicePart {
  inFlight = 0;
  readonly #disk: Disk;
  readonly #serial: Uint8Array;
  readonly #leftovers = new Leftovers();

  constructor(disk: Disk, serial: Uint8Array) {
    this.#disk = disk;
    this.#serial = serial;
  }

  queueNotified(queue: DeviceQueue, context: QueueContext): void {
    queue.serve((chain) => this.#handle(queue, chain, context));
  }

  /** Kept when the writes that were under way have ended: until then new requests on this thread wait, too. */
  reset(): void | Promise<void> {
    return this.#leftovers.reset();
  }

  shared(share: unknown): void {
    this.#disk.follow?.((share as BlkShare).disk);
  }

  close(): void | Promise<void> {
    return this.#disk.close();
  }

  describe() {
    return { inFlight: this.inFlight };
  }

  #handle(queue: DeviceQueue, chain: Chain, context: QueueContext): void {
    const request = parseRequest(chain);
    if (typeof request === "string") {
      context.violated({ kind: "request-format", queue: queue.index, detail: request });
      queue.push(chain, 0);
      return;
    }
    const job: Job = { queue, chain, request, writeThrough: writesThrough(context) };
    this.#leftovers.after(() => this.#begin(job, context));
  }

  #begin(job: Job, context: QueueContext): void {
    if (job.queue.detached) return;
    const outcome = perform(this.#disk, this.#serial, job);
    if (outcome instanceof Promise) this.#finishLater(job, outcome, context);
    else finish(job, outcome);
  }

  #finishLater(job: Job, outcome: Promise<Outcome>, context: QueueContext): void {
    this.inFlight++;
    const ended = context.ioStarted();
    const written = changesDisk(job) ? this.#leftovers.writing() : undefined;
    void outcome
      .catch((error: unknown) => {
        const text = error instanceof Error ? error.message : String(error);
        context.log(`request type ${job.request.type} at sector ${job.request.sector}: ${text}`);
        return IOERR;
      })
      .then((result) => {
        finish(job, result);
        job.queue.flush();
      })
      .finally(() => {
        this.inFlight--;
        written?.();
        ended();
      });
  }
}

const changesDisk = ({ request: { type } }: Job): boolean =>
  type === BLK_TYPE.OUT || type === BLK_TYPE.DISCARD || type === BLK_TYPE.WRITE_ZEROES;

/** Without a way to flush, or with the cache switched off, a write is durable when it completes [5.2.6.2]. */
function writesThrough({ config, features }: QueueContext): boolean {
  if (config[BLK_CONFIG.writeback] === 0) return true;
  return !hasFeature(features, BLK_FEATURE.FLUSH) && !hasFeature(features, BLK_FEATURE.CONFIG_WCE);
}

/** Writes the status and gives the chain back; not after a reset, when the memory is the driver's again. */
function finish({ queue, chain }: Job, { status, written }: Outcome): void {
  if (queue.detached) return;
  chain.write(chain.writableBytes - 1, Uint8Array.of(status));
  queue.push(chain, written + 1);
}
