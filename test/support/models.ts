/** Device models for tests of the guest side: they do little, and what they are told. */
import type { DeviceModel, QueueSpec } from "../../src/host/device.ts";

/** Returns every buffer at once, its writable part filled with 0x5a. */
export function echoModel(
  options: { queues?: readonly QueueSpec[]; config?: Uint8Array; features?: number } = {},
) {
  return {
    features: options.features ?? 0,
    queues: options.queues ?? [{ name: "first" }, { name: "second" }],
    config: options.config ?? Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    configWritten() {},
    queueNotified(queue) {
      queue.serve((chain) => {
        chain.write(0, new Uint8Array(chain.writableBytes).fill(0x5a));
        queue.push(chain, chain.writableBytes);
      });
    },
  } satisfies DeviceModel;
}

/** Takes buffers and never returns them. */
export function silentModel(queues: readonly QueueSpec[] = [{ name: "only" }]): DeviceModel {
  return {
    features: 0,
    queues,
    queueNotified(queue) {
      while (queue.pop() !== undefined);
    },
  };
}
