/** How long an interrupt takes from the device's time stamp to the handler's first line. */
import { defineDriver, defineGuest } from "../../src/guest/define.ts";
import type { DriverQueue } from "../../src/guest/virtqueue/driver-queue.ts";
import { ScatterList } from "../../src/guest/virtqueue/scatter-list.ts";
import { LatencyHistogram, type LatencySummary } from "../../src/observe/record/histogram.ts";
import { STAMP_BYTES, STAMP_ID } from "./stamp-device.ts";

export interface InterruptArgs {
  readonly count: number;
  /** Rest before each buffer, so that the guest is asleep; 0: it polls. */
  readonly restMs: number;
}

interface Stamps {
  /** Nanoseconds from the device's stamp to the handler. */
  next(): Promise<number>;
}

const stamps = defineDriver<Stamps>({
  name: "stamp",
  deviceId: STAMP_ID,
  features: 0,
  probe(device) {
    const address = device.memory.allocate(STAMP_BYTES) ?? 0;
    const list = new ScatterList().addWritable(address, STAMP_BYTES);
    let arrived: (ns: number) => void = () => {};
    const [queue]: (DriverQueue<number> | undefined)[] = device.transport.findQueues([
      {
        name: "stamps",
        callback() {
          const now = Number(process.hrtime.bigint());
          // Until there is none: only then does the next buffer interrupt again.
          while (queue?.get() !== undefined) {
            arrived(now - (device.memory.read32(address) + 2 ** 32 * device.memory.read32(address + 4)));
          }
        },
      },
    ]);
    if (queue === undefined) throw new Error("no queue");
    return {
      next: () =>
        new Promise((resolve) => {
          arrived = resolve;
          queue.add(list, 1);
          queue.kick();
        }),
    };
  },
  remove(device) {
    device.transport.reset();
    device.transport.deleteQueues();
  },
});

export default defineGuest(async ({ virtio, args }): Promise<LatencySummary> => {
  const { count, restMs } = args as InterruptArgs;
  if (virtio.findAll(stamps.name).length === 0) virtio.registerDriver(stamps);
  const device = virtio.find<Stamps>(stamps.name);
  const histogram = new LatencyHistogram();
  for (let turn = 0; turn < count; turn++) {
    if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
    histogram.record((await device.next()) / 1e6);
  }
  return histogram.summary();
});
