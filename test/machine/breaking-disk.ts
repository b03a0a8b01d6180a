/** A disk of two queues that breaks the second one's ring when it is first used, and serves it well ever after. */

import { memoryDisk } from "../../src/devices/blk/memory-disk.ts";
import { blk } from "../../src/devices/blk/model.ts";
import { defineDevice } from "../../src/host/index.ts";

export default defineDevice({
  name: "breaking",
  virtioId: 2,
  summary: "returns its second queue's first buffers with more bytes than they have",
  create() {
    const model = blk(memoryDisk({ bytes: 1 << 20, readOnly: false }), { queues: 2 });
    let breaks = true;
    return {
      ...model,
      queueNotified(queue, context) {
        if (queue.index === 0 || !breaks) return model.queueNotified(queue, context);
        breaks = false;
        queue.serve((chain) => queue.push(chain, 1 << 30));
      },
    };
  },
});
