/** The block driver: reads the device's facts, sets up its queues, and hands out a `Disk`. */
import { defineDriver } from "../../guest/define.ts";
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import { FEATURE, hasFeature } from "../../wire/features.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import { Disk } from "./disk.ts";
import { BLK_DRIVER_FEATURES, readCapacity, readFacts, readWriteback } from "./facts.ts";
import { RequestQueue } from "./request-queue.ts";

/** Header and status: the descriptors of a request that carry no data. */
const FRAME_SEGMENTS = 2;

export const blk = defineDriver<Disk>({
  name: "virtio_blk",
  deviceId: VIRTIO_TYPE.blk.id,
  features: BLK_DRIVER_FEATURES,
  probe,
  remove: (_device, disk) => disk.remove(),
  outstanding: (disk) => disk.outstanding,
  parts: (disk) => Array.from({ length: disk.facts.queues }, (_, index) => [index]),
  gaveAway: (disk, queues) => disk.gaveAway(queues),
  broken: (disk, reason) => disk.cancel(reason),
  configChanged(device, disk) {
    disk.capacitySectors = readCapacity(device);
  },
});

function probe(device: VirtioDevice): Disk {
  const { transport } = device;
  const facts = readFacts(device);
  const { partQueues } = device;
  // Another CPU may switch the cache on without our hearing of it: then a flush too many, not one too few.
  const writeback = partQueues !== undefined || readWriteback(device, facts);
  const count = partQueues ?? facts.queues;
  const requests: RequestQueue[] = [];
  const queues = transport.findQueues(
    Array.from({ length: count }, (_, index) => ({
      name: count === 1 ? "requests" : `req.${index}`,
      callback: () => requests[index]?.completed(),
    })),
  );
  try {
    for (const queue of queues) requests.push(new RequestQueue(device, queue));
    const smallest = Math.min(...queues.map(({ size }) => size));
    const indirect = hasFeature(device.features, FEATURE.INDIRECT_DESC);
    const room = indirect ? facts.segmentsMax : Math.max(1, smallest - FRAME_SEGMENTS);
    const segmentsMax = Math.min(facts.segmentsMax, room);
    return new Disk(device, requests, { ...facts, segmentsMax }, writeback);
  } catch (error) {
    for (const queue of requests) queue.destroy();
    transport.deleteQueues();
    throw error;
  }
}
