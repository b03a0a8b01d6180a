/** A platform whose randomness follows from a seed. Its clock is the real one: attacks bound real time. */
import type { Platform } from "../../host/device.ts";
import { Random } from "../../wire/random.ts";

export function seededPlatform(seed: number): Platform {
  const random = new Random(seed);
  return {
    now: () => performance.now(),
    randomFill: (bytes) => random.fill(bytes),
    after: (milliseconds, then) => {
      const timer = setTimeout(then, milliseconds);
      return () => clearTimeout(timer);
    },
  };
}
