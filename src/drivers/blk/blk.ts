/** The block driver: reads the device's facts, sets up its one queue, and hands out a `Disk`. */
import { defineDriver } from "../../guest/define.ts";
import { ProbeError } from "../../guest/probe-error.ts";
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import { BLK_CONFIG, BLK_FEATURE } from "../../wire/blk.ts";
import { getU32, getU64 } from "../../wire/bytes.ts";
import { FEATURE, featureMask, hasFeature } from "../../wire/features.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import { Disk } from "./disk.ts";
import { RequestQueue } from "./request-queue.ts";

/** Header and status: the descriptors of a request that carry no data. */
const FRAME_SEGMENTS = 2;

export const blk = defineDriver<Disk>({
  name: "blk",
  deviceId: VIRTIO_TYPE.blk.id,
  features: featureMask(
    BLK_FEATURE.SIZE_MAX,
    BLK_FEATURE.SEG_MAX,
    BLK_FEATURE.RO,
    BLK_FEATURE.BLK_SIZE,
    BLK_FEATURE.FLUSH,
  ),
  probe,
  remove: (_device, disk) => disk.remove(),
  outstanding: (disk) => disk.outstanding,
  configChanged(device, disk) {
    disk.capacitySectors = readCapacity(device);
  },
});

function probe(device: VirtioDevice): Disk {
  const { transport } = device;
  const has = (feature: number) => hasFeature(device.features, feature);
  const read32 = (feature: number, offset: number, otherwise: number) =>
    has(feature) ? getU32(readConfig(device, offset, 4), 0) : otherwise;
  const segmentsMax = Math.max(1, read32(BLK_FEATURE.SEG_MAX, BLK_CONFIG.segMax, 1));
  const sizeMax = read32(BLK_FEATURE.SIZE_MAX, BLK_CONFIG.sizeMax, Number.POSITIVE_INFINITY);
  let requests: RequestQueue | undefined;
  const [queue] = transport.findQueues([{ name: "requests", callback: () => requests?.completed() }]);
  if (queue === undefined) throw new ProbeError("ENOENT", "no request queue");
  try {
    requests = new RequestQueue(device, queue);
    const room = has(FEATURE.INDIRECT_DESC) ? segmentsMax : Math.max(1, queue.size - FRAME_SEGMENTS);
    return new Disk(device, requests, {
      capacitySectors: readCapacity(device),
      readOnly: has(BLK_FEATURE.RO),
      blockSize: read32(BLK_FEATURE.BLK_SIZE, BLK_CONFIG.blkSize, SECTOR_SIZE),
      needsFlush: has(BLK_FEATURE.FLUSH),
      segmentsMax: Math.min(segmentsMax, room),
      segmentBytesMax: Math.max(SECTOR_SIZE, sizeMax),
    });
  } catch (error) {
    requests?.destroy();
    transport.deleteQueues();
    throw error;
  }
}

/** There is no generation count on a legacy device: a wide field is read until two readings agree [2.5.4]. */
function readCapacity(device: VirtioDevice): number {
  let before = getU64(readConfig(device, BLK_CONFIG.capacity, 8), 0);
  for (let tries = 0; tries < 10; tries++) {
    const now = getU64(readConfig(device, BLK_CONFIG.capacity, 8), 0);
    if (now === before) return now;
    before = now;
  }
  return before;
}

function readConfig(device: VirtioDevice, offset: number, bytes: number): Uint8Array {
  const target = new Uint8Array(bytes);
  device.transport.getConfig(offset, target);
  return target;
}
