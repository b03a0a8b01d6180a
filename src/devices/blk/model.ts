/** virtio-blk [virtio 1.4, 5.2] on a `Disk`: what configuration says, and what can be asked of it. */
import { type DeviceContext, type DeviceModel, UsageError } from "../../host/index.ts";
import { BLK_CONFIG, BLK_FEATURE, BLK_ID_BYTES } from "../../wire/blk.ts";
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
import { BlkRequests, type BlkShare } from "./requests.ts";

export function blk(disk: Disk, given: Partial<BlkOptions> = {}): DeviceModel {
  const options = { ...BLK_DEFAULTS, ...given };
  const serial = new TextEncoder().encode(options.serial).subarray(0, BLK_ID_BYTES);
  /** What configuration says; the driver's copy goes back to it, but for the write cache. */
  const facts = configuration(disk, options);
  const requests = new BlkRequests(disk, serial);

  async function resize(bytes: number, context: DeviceContext): Promise<{ bytes: number }> {
    if (disk.readOnly) throw new UsageError("resize: the disk is read-only");
    await context.standStill(async () => disk.resize(bytes));
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
    queueNotified: (queue, context) => requests.queueNotified(queue, context),
    configWritten(_offset, _length, context) {
      const writeback = context.config[BLK_CONFIG.writeback] === 0 ? 0 : 1;
      context.config.set(facts);
      if (hasFeature(context.features, BLK_FEATURE.CONFIG_WCE)) {
        context.config[BLK_CONFIG.writeback] = writeback;
      }
    },
    reset(context) {
      context.config.set(facts);
      void requests.reset();
    },
    close: () => disk.close(),
    get parts() {
      if (disk.share === undefined) return undefined;
      const share: BlkShare = { disk: disk.share, serial };
      return { queues: Array.from({ length: options.queues }, (_, index) => index), share };
    },
    commands: {
      resize: {
        help: "SIZE: grows or shrinks the disk; the driver is told",
        run: (args, context) => resize(sizeArgument(args), context),
      },
    },
    describe: () => ({
      bytes: disk.bytes,
      readOnly: disk.readOnly,
      serial: options.serial,
      inFlight: requests.inFlight,
    }),
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
