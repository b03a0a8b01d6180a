/** How a request may end other than well, whatever the device. */
import { OutOfMemoryError } from "../guest/guest-memory.ts";
import type { DriverQueue } from "../guest/virtqueue/driver-queue.ts";

/** The device was reset or removed before it answered. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";
}

/**
 * Why a queue with nothing in flight did not take a buffer. If the device did not break it and all its descriptors are
 * free, there was no memory for the buffer or for its indirect table: what no ring of its size would ever take is the
 * caller's bug, and thrown.
 */
export function refusal(
  queue: Pick<DriverQueue<never>, "broken" | "freeDescriptors" | "size">,
  shortage: string,
): Error {
  const { broken, freeDescriptors: free, size } = queue;
  if (broken !== undefined) return new Error(broken);
  if (free === size) return new OutOfMemoryError(shortage);
  return new Error(`${free} of ${size} descriptors are free with nothing in flight: the others are lost`);
}
