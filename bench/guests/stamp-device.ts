/** A device that writes the time into each buffer, just before it raises its interrupt. */
import { defineDevice } from "../../src/host/index.ts";
import { putU64 } from "../../src/wire/bytes.ts";

export const STAMP_ID = 42;
export const STAMP_BYTES = 8;

export default defineDevice({
  name: "stamp",
  virtioId: STAMP_ID,
  summary: "writes a monotonic time in nanoseconds into each buffer",
  create() {
    const bytes = new Uint8Array(STAMP_BYTES);
    return {
      features: 0,
      queues: [{ name: "stamps" }],
      queueNotified(queue) {
        queue.serve((chain) => {
          putU64(bytes, 0, Number(process.hrtime.bigint()));
          queue.push(chain, chain.write(0, bytes));
        });
      },
    };
  },
});
