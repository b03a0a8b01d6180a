/** A disk whose parts on I/O threads are no good, each in its own way. */
import { memoryDisk } from "../../src/devices/blk/memory-disk.ts";
import { blk } from "../../src/devices/blk/model.ts";
import { type DevicePart, defineDevice, UsageError } from "../../src/host/index.ts";

export default defineDevice({
  name: "troubled",
  virtioId: 2,
  summary: "a disk for one I/O thread that fails it",
  options: { how: { type: ["throws", "keeps", "cannot", "boasts"], help: "what goes wrong" } },
  create({ how }) {
    const model = blk(memoryDisk({ bytes: 1 << 20, readOnly: false }));
    return { ...model, parts: { queues: [0], share: how } };
  },
  createPart(how): DevicePart {
    if (how === "cannot") throw new UsageError("troubled: no part today");
    let kept = false;
    return {
      queueNotified(queue) {
        if (how === "throws") throw new Error("a bug in the part");
        queue.serve((chain) => {
          // Nothing but the status, if it boasts.
          chain.fill(how === "boasts" ? chain.writableBytes - 1 : 0, chain.writableBytes, 0);
          queue.push(chain, chain.writableBytes);
        });
      },
      reset() {
        if (how !== "keeps") return;
        kept = true;
        return new Promise(() => {});
      },
      describe() {
        return { kept };
      },
    };
  },
});
