/** The clock and the randomness of a live machine. */
import { randomFillSync } from "node:crypto";
import type { Platform } from "../host/device.ts";

export const livePlatform: Platform = {
  now: () => performance.now(),
  randomFill: (bytes) => void randomFillSync(bytes),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
