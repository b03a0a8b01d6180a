/** On each CPU: numbered frames of a flow of its own, sent on its own pair of queues, come back to it and in order. */
import { net } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";
import { exerciseFlow, type FlowResult } from "../../src/machine/workloads/flow.ts";

const FRAMES = 500;
const SELF = new URL(import.meta.url);

export default defineGuest(async ({ virtio, cpu, cpus, runOn }): Promise<FlowResult[]> => {
  const nic = virtio.find(net);
  const others = Array.from({ length: cpu === 0 ? cpus - 1 : 0 }, (_, index) => runOn(index + 1, SELF));
  const own = await exerciseFlow(nic, cpu, FRAMES);
  return [own, ...((await Promise.all(others)) as FlowResult[][]).flat()];
});
