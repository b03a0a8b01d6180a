/** How a request may end other than well, whatever the device. */
import { OutOfMemoryError } from "../guest/guest-memory.ts";
import type { DriverQueue } from "../guest/virtqueue/driver-queue.ts";

/** The device was reset or removed before it answered. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";
}

/**
 * Why a queue with nothing in flight did not take a buffer. If the device did not break it, there was no memory for the
 * buffer or for its indirect table: what no ring of its size would ever take is the caller's bug, and thrown.
 */
export const refusal = (queue: Pick<DriverQueue<never>, "broken">, shortage: string): Error =>
  queue.broken === undefined ? new OutOfMemoryError(shortage) : new Error(queue.broken);
