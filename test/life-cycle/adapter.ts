/**
 * One row of the life-cycle table: a device, and what its driver can be made to do. Loaded by the test and by the guest
 * program alike, so it holds no state of a machine.
 */
import type { GuestContext } from "../../src/guest/define.ts";
import type { DeviceDescription } from "../../src/machine/description.ts";

export interface Adapter {
  readonly name: string;
  readonly device: Omit<DeviceDescription, "slot">;
  /** Makes what the device needs outside, and says which options name it. */
  prepare?(): { readonly options: DeviceDescription["options"] & object; cleanUp(): void };
  /** Virtio device id, to find the device under test among its neighbours. */
  readonly virtioId: number;
  /** The device type that shares its line: another one than its own. */
  readonly neighbour: string;
  /** Moves data both ways and throws unless all of it is right. */
  traffic(guest: GuestContext): Promise<void>;
  /** Starts requests and returns them unfinished. Each must settle, whatever happens to the device. */
  burst(guest: GuestContext): readonly Promise<unknown>[];
}

/** Throws unless the bytes are equal. */
export function assertEqual(found: Uint8Array, expected: Uint8Array, what: string): void {
  const at = expected.findIndex((byte, index) => byte !== found[index]);
  if (at >= 0 || found.length !== expected.length) {
    throw new Error(`${what}: ${found.length} bytes, expected ${expected.length}, first difference at ${at}`);
  }
}
