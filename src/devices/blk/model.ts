/**
 * virtio-blk [virtio 1.4, 5.2] on a `Disk`. A disk that answers later holds nothing up: any number of requests are
 * out at once, and each is given back when its answer comes.
 */
import type { Chain, DeviceContext, DeviceModel, DeviceQueue } from "../../host/index.ts";
import { BLK_CONFIG, BLK_FEATURE, BLK_HEADER, BLK_ID_BYTES, BLK_STATUS, BLK_TYPE } from "../../wire/blk.ts";
import { putU32, putU64 } from "../../wire/bytes.ts";
import { featureMask, hasFeature } from "../../wire/features.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";
import type { Disk } from "./disk.ts";
import { type BlkRequest, isOnDisk, parseRequest } from "./request.ts";

/** Data segments in one request: what fits in a ring of 128 with header and status. */
const SEGMENTS_MAX = 126;

/** A request's end: its status, and the data bytes written into its buffers. */
interface Outcome {
  readonly status: number;
  readonly written: number;
}
const OK: Outcome = { status: BLK_STATUS.OK, written: 0 };
const IOERR: Outcome = { status: BLK_STATUS.IOERR, written: 0 };
const UNSUPP: Outcome = { status: BLK_STATUS.UNSUPP, written: 0 };

export function blk(disk: Disk, serial: string): DeviceModel {
  const always = featureMask(BLK_FEATURE.SEG_MAX, BLK_FEATURE.BLK_SIZE, BLK_FEATURE.FLUSH);
  const id = new TextEncoder().encode(serial).subarray(0, BLK_ID_BYTES);
  let inFlight = 0;

  function handle(queue: DeviceQueue, chain: Chain, context: DeviceContext): void {
    const request = parseRequest(chain);
    if (typeof request === "string") {
      context.violated({ kind: "request-format", queue: queue.index, detail: request });
      queue.push(chain, 0);
      return;
    }
    const outcome = perform(queue, chain, request, context);
    if (outcome instanceof Promise) finishLater(queue, chain, request, outcome, context);
    else finish(queue, chain, outcome);
  }

  function perform(
    queue: DeviceQueue,
    chain: Chain,
    request: BlkRequest,
    context: DeviceContext,
  ): Outcome | Promise<Outcome> {
    const position = request.sector * SECTOR_SIZE;
    switch (request.type) {
      case BLK_TYPE.IN:
        if (!isOnDisk(disk.bytes, request.sector, request.bytesIn)) return IOERR;
        return then(disk.read(position, request.bytesIn), (bytes) =>
          queue.detached ? OK : { status: BLK_STATUS.OK, written: chain.write(0, bytes) },
        );
      case BLK_TYPE.OUT:
        if (disk.readOnly || !isOnDisk(disk.bytes, request.sector, request.bytesOut)) return IOERR;
        return then(disk.write(position, chain.readableWindows(BLK_HEADER.bytes, request.bytesOut)), () =>
          // A driver that does not flush gets a disk that writes through [5.2.6.2].
          hasFeature(context.features, BLK_FEATURE.FLUSH) ? OK : then(disk.flush(), () => OK),
        );
      case BLK_TYPE.FLUSH:
        return then(disk.flush(), () => OK);
      case BLK_TYPE.GET_ID:
        return { status: BLK_STATUS.OK, written: writeId(chain, request.bytesIn) };
      default:
        return UNSUPP;
    }
  }

  /** The serial number, padded with NULs to 20 bytes [5.2.6]. */
  function writeId(chain: Chain, room: number): number {
    const padded = new Uint8Array(BLK_ID_BYTES);
    padded.set(id);
    return chain.write(0, padded.subarray(0, room));
  }

  function finishLater(
    queue: DeviceQueue,
    chain: Chain,
    request: BlkRequest,
    outcome: Promise<Outcome>,
    context: DeviceContext,
  ): void {
    inFlight++;
    const ended = context.ioStarted();
    void outcome
      .catch((error: unknown) => {
        const text = error instanceof Error ? error.message : String(error);
        context.log(`request type ${request.type} at sector ${request.sector}: ${text}`);
        return IOERR;
      })
      .then((result) => {
        finish(queue, chain, result);
        queue.flush();
      })
      .finally(() => {
        inFlight--;
        ended();
      });
  }

  return {
    features: disk.readOnly ? (always | featureMask(BLK_FEATURE.RO)) >>> 0 : always,
    queues: [{ name: "requests" }],
    config: configuration(disk),
    queueNotified: (queue, context) => queue.serve((chain) => handle(queue, chain, context)),
    close: () => disk.close(),
    describe: () => ({ bytes: disk.bytes, readOnly: disk.readOnly, serial, inFlight }),
  };
}

/** Writes the status and gives the chain back; not after a reset, when the memory is the driver's again. */
function finish(queue: DeviceQueue, chain: Chain, { status, written }: Outcome): void {
  if (queue.detached) return;
  chain.write(chain.writableBytes - 1, Uint8Array.of(status));
  queue.push(chain, written + 1);
}

function configuration(disk: Disk): Uint8Array {
  const config = new Uint8Array(BLK_CONFIG.bytes);
  putU64(config, BLK_CONFIG.capacity, disk.bytes / SECTOR_SIZE);
  putU32(config, BLK_CONFIG.segMax, SEGMENTS_MAX);
  putU32(config, BLK_CONFIG.blkSize, SECTOR_SIZE);
  return config;
}

/** Goes on at once with what is there, later with what is promised: a disk that answers at once stays synchronous. */
function then<A, B>(value: A | Promise<A>, next: (value: A) => B | Promise<B>): B | Promise<B> {
  return value instanceof Promise ? value.then(next) : next(value);
}
