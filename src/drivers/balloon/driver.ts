/** The balloon driver: sets up its queues and lists, and lets the balloon follow the host's target. */
import { defineDriver } from "../../guest/define.ts";
import { ProbeError } from "../../guest/probe-error.ts";
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import type { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { BALLOON_FEATURE } from "../../wire/balloon.ts";
import { featureMask, hasFeature } from "../../wire/features.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import { Balloon, LIST_MEMORY_BYTES } from "./balloon.ts";
import type { PageList } from "./page-list.ts";
import { STATS_BUFFER_BYTES, StatsSender } from "./stats.ts";

const MEMORY_BYTES = LIST_MEMORY_BYTES + STATS_BUFFER_BYTES;

/** What the driver keeps of each device, besides the balloon itself. */
const memoryOf = new WeakMap<Balloon, number>();

export const balloon = defineDriver<Balloon>({
  name: "virtio_balloon",
  deviceId: VIRTIO_TYPE.balloon.id,
  features: featureMask(
    BALLOON_FEATURE.MUST_TELL_HOST,
    BALLOON_FEATURE.STATS_VQ,
    BALLOON_FEATURE.DEFLATE_ON_OOM,
  ),
  probe,
  remove(device, data) {
    data.stop("the balloon was removed");
    device.transport.deleteQueues();
    device.memory.free(memoryOf.get(data) ?? 0, MEMORY_BYTES);
  },
  configChanged: (_device, data) => data.configChanged(),
  outstanding: (data) => data.outstanding,
});

function probe(device: VirtioDevice): Balloon {
  const { memory, transport } = device;
  const has = (feature: number) => hasFeature(device.features, feature);
  let made: Balloon | undefined;
  let stats: StatsSender | undefined;
  const answered = (queue: DriverQueue<PageList>) => made?.answered(queue);
  const requests = [
    { name: "inflate", callback: answered },
    { name: "deflate", callback: answered },
    ...(has(BALLOON_FEATURE.STATS_VQ) ? [{ name: "stats", callback: () => stats?.asked() }] : []),
  ];
  const [inflate, deflate, statsQueue] = transport.findQueues(requests);
  const lists = memory.allocate(MEMORY_BYTES);
  if (inflate === undefined || deflate === undefined || lists === undefined) {
    transport.deleteQueues();
    throw new ProbeError("ENOMEM", "no guest memory for lists of pages");
  }
  const [mustTellHost, deflateOnOom] = [
    has(BALLOON_FEATURE.MUST_TELL_HOST),
    has(BALLOON_FEATURE.DEFLATE_ON_OOM),
  ];
  made = new Balloon(device, { inflate, deflate, lists, mustTellHost, deflateOnOom });
  memoryOf.set(made, lists);
  if (statsQueue !== undefined) {
    stats = new StatsSender(memory, statsQueue, lists + LIST_MEMORY_BYTES);
    stats.send();
  }
  memory.addShrinker(made);
  made.configChanged();
  return made;
}
