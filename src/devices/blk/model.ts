/**
 * virtio-blk [virtio 1.4, 5.2] on a `Disk`. A disk that answers later holds nothing up: any number of requests are
 * out at once, and each is given back when its answer comes.
 */
import {
  type Chain,
  type DeviceContext,
  type DeviceModel,
  type DeviceQueue,
  UsageError,
} from "../../host/index.ts";
import { BLK_CONFIG, BLK_FEATURE, BLK_ID_BYTES, BLK_TYPE } from "../../wire/blk.ts";
import { hasFeature } from "../../wire/features.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";
import { sizeInBytes } from "../../wire/size.ts";
import {
  BLK_DEFAULTS,
  type BlkOptions,
  configuration,
  offeredFeatures,
  putCapacity,
} from "./configuration.ts";
import type { Disk } from "./disk.ts";
import { Leftovers } from "./leftovers.ts";
import { IOERR, type Job, type Outcome, perform } from "./perform.ts";
import { parseRequest } from "./request.ts";

export function blk(disk: Disk, given: Partial<BlkOptions> = {}): DeviceModel {
  const options = { ...BLK_DEFAULTS, ...given };
  const serial = new TextEncoder().encode(options.serial).subarray(0, BLK_ID_BYTES);
  /** What configuration says; the driver's copy goes back to it, but for the write cache. */
  const facts = configuration(disk, options);
  const leftovers = new Leftovers();
  let inFlight = 0;

  function handle(queue: DeviceQueue, chain: Chain, context: DeviceContext): void {
    const request = parseRequest(chain);
    if (typeof request === "string") {
      context.violated({ kind: "request-format", queue: queue.index, detail: request });
      queue.push(chain, 0);
      return;
    }
    const job: Job = { queue, chain, request, writeThrough: writesThrough(context) };
    leftovers.after(() => begin(job, context));
  }

  function begin(job: Job, context: DeviceContext): void {
    if (job.queue.detached) return;
    const outcome = perform(disk, serial, job);
    if (outcome instanceof Promise) finishLater(job, outcome, context);
    else finish(job, outcome);
  }

  function finishLater(job: Job, outcome: Promise<Outcome>, context: DeviceContext): void {
    inFlight++;
    const ended = context.ioStarted();
    const written = changesDisk(job) ? leftovers.writing() : undefined;
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
        inFlight--;
        written?.();
        ended();
      });
  }

  async function resize(bytes: number, context: DeviceContext): Promise<{ bytes: number }> {
    if (disk.readOnly) throw new UsageError("resize: the disk is read-only");
    await disk.resize(bytes);
    putCapacity(facts, bytes);
    const writeback = context.config[BLK_CONFIG.writeback] ?? 0;
    const changed = Uint8Array.from(facts);
    changed[BLK_CONFIG.writeback] = writeback;
    context.updateConfig(0, changed);
    return { bytes };
  }

  return {
    features: offeredFeatures(disk, options),
    queues: queueNames(options.queues),
    config: facts,
    queueNotified: (queue, context) => queue.serve((chain) => handle(queue, chain, context)),
    configWritten(_offset, _length, context) {
      const writeback = context.config[BLK_CONFIG.writeback] === 0 ? 0 : 1;
      context.config.set(facts);
      if (hasFeature(context.features, BLK_FEATURE.CONFIG_WCE)) {
        context.config[BLK_CONFIG.writeback] = writeback;
      }
    },
    reset(context) {
      context.config.set(facts);
      leftovers.reset();
    },
    close: () => disk.close(),
    commands: {
      resize: {
        help: "SIZE: grows or shrinks the disk; the driver is told",
        run: (args, context) => resize(sizeArgument(args), context),
      },
    },
    describe: () => ({ bytes: disk.bytes, readOnly: disk.readOnly, serial: options.serial, inFlight }),
  };
}

const queueNames = (count: number): { name: string }[] =>
  count === 1
    ? [{ name: "requests" }]
    : Array.from({ length: count }, (_, index) => ({ name: `requests.${index}` }));

function sizeArgument(args: readonly string[]): number {
  const [size = ""] = args;
  const bytes = sizeInBytes(size);
  if (args.length === 1 && bytes !== undefined && bytes > 0 && bytes % SECTOR_SIZE === 0) return bytes;
  throw new UsageError(
    `resize: expected one size, a positive multiple of ${SECTOR_SIZE}, found "${args.join(" ")}"`,
  );
}

const changesDisk = ({ request: { type } }: Job): boolean =>
  type === BLK_TYPE.OUT || type === BLK_TYPE.DISCARD || type === BLK_TYPE.WRITE_ZEROES;

/** Without a way to flush, or with the cache switched off, a write is durable when it completes [5.2.6.2]. */
function writesThrough({ config, features }: DeviceContext): boolean {
  if (config[BLK_CONFIG.writeback] === 0) return true;
  return !hasFeature(features, BLK_FEATURE.FLUSH) && !hasFeature(features, BLK_FEATURE.CONFIG_WCE);
}

/** Writes the status and gives the chain back; not after a reset, when the memory is the driver's again. */
function finish({ queue, chain }: Job, { status, written }: Outcome): void {
  if (queue.detached) return;
  chain.write(chain.writableBytes - 1, Uint8Array.of(status));
  queue.push(chain, written + 1);
}
