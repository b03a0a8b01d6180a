/**
 * Named faults: what goes wrong once in a while in a machine that is otherwise in order, and the words in which it must
 * be detected. Those of the bus are planted into both workers; those of the back-end are options of the flaky disk.
 */
import { InterruptController } from "../../bus/interrupt-controller.ts";
import { LegacyRegisters } from "../../guest/virtio-pci/registers.ts";
import { UsageError } from "../../host/device.ts";
import { VirtioDevice } from "../../host/virtio-device.ts";
import type { Chain } from "../../host/virtqueue/chain.ts";
import { DeviceQueue } from "../../host/virtqueue/device-queue.ts";
import { plant, type Replacement } from "../../hunt/defect.ts";
import { nearestName } from "../../machine/nearest-name.ts";
import type { LegacyRegister } from "../../wire/legacy-registers.ts";
import type { Misfortune } from "./flaky-disk.ts";

export interface Fault {
  readonly name: string;
  readonly summary: string;
  /** What the finding must say. */
  readonly words: RegExp;
  readonly replacements: readonly Replacement[];
  /** Options of the flaky disk. */
  readonly disk: Misfortune;
  /** Lines are level-triggered: some faults of interrupts are none there. */
  readonly messagesOnly: boolean;
  /** The machine stands still; nothing else says that it is there. */
  readonly stalls: boolean;
}

/** The second one comes when the first has been taken: two at once are one. */
const AGAIN_MS = 2;
/** Of so many, one. */
const ONE_IN = 8;

/** Every so many-th time, counted in this thread. */
function everyNth(n: number): () => boolean {
  let count = 0;
  return () => ++count % n === 0;
}

const dropKick = everyNth(ONE_IN);
class DropsKicks extends LegacyRegisters {
  override write(name: LegacyRegister, value: number): void {
    if (name !== "queueNotify" || !dropKick()) super.write(name, value);
  }
}

class DoublesKicks extends VirtioDevice {
  override kick(index: number): void {
    super.kick(index);
    const ended = this.ioStarted();
    setTimeout(() => {
      super.kick(index);
      ended();
    }, AGAIN_MS);
  }
}

const dropInterrupt = everyNth(ONE_IN);
class DropsInterrupts extends InterruptController {
  override post(vector: number): void {
    if (!dropInterrupt()) super.post(vector);
  }
  override postLine(line: number): void {
    if (!dropInterrupt()) super.postLine(line);
  }
}

class DoublesInterrupts extends InterruptController {
  override post(vector: number): void {
    super.post(vector);
    setTimeout(() => super.post(vector), AGAIN_MS);
  }
}

const doubleCompletion = everyNth(ONE_IN);
class CompletesTwice extends DeviceQueue {
  override push(chain: Chain, written: number): void {
    super.push(chain, written);
    if (this.dead || !doubleCompletion()) return;
    const element = this.usedRing + 8 * (this.usedIndex & this.mask);
    this.memory.write32(element, chain.head, 0);
    this.memory.write32(element + 4, written, 0);
    this.usedIndex = (this.usedIndex + 1) & 0xffff;
  }
}

const fault = (
  name: string,
  summary: string,
  words: RegExp,
  how: Partial<Pick<Fault, "replacements" | "disk" | "messagesOnly" | "stalls">>,
): Fault => ({
  name,
  summary,
  words,
  replacements: [],
  disk: {},
  messagesOnly: false,
  stalls: false,
  ...how,
});

/** Often enough that it happens in every machine. */
const PER_MILLE = 500;

export const FAULTS: readonly Fault[] = [
  fault("dropped-kick", "a notification that the driver wrote does not reach the device", /a kick was lost/, {
    replacements: [{ base: LegacyRegisters, by: DropsKicks }],
    stalls: true,
  }),
  fault("doubled-kick", "a notification reaches the device twice", /a kick was doubled/, {
    replacements: [{ base: VirtioDevice, by: DoublesKicks }],
  }),
  fault("dropped-interrupt", "an interrupt does not reach the driver", /an interrupt was lost/, {
    replacements: [{ base: InterruptController, by: DropsInterrupts }],
    stalls: true,
  }),
  fault("doubled-interrupt", "a message interrupt reaches the driver twice", /an interrupt was doubled/, {
    replacements: [{ base: InterruptController, by: DoublesInterrupts }],
    messagesOnly: true,
  }),
  fault("doubled-completion", "a chain is given back twice", /used\.idx|not in flight|used element/, {
    replacements: [{ base: DeviceQueue, by: CompletesTwice }],
  }),
  fault("stuck-backend", "the back-end never answers a read or a flush", /its back-end has not answered/, {
    disk: { never: PER_MILLE },
    stalls: true,
  }),
  fault("backend-error", "the back-end fails a read or a write", /I\/O error/, { disk: { eio: PER_MILLE } }),
  fault("lost-write", "a write is acknowledged and not done", /carries stamp/, { disk: { lost: PER_MILLE } }),
  fault("flipped-bit", "a read comes back with one bit flipped", /carries stamp/, {
    disk: { flipped: PER_MILLE },
  }),
];

export function findFault(name: string): Fault {
  const found = FAULTS.find((each) => each.name === name);
  if (found !== undefined) return found;
  const names = FAULTS.map((each) => each.name);
  throw new UsageError(`unknown fault "${name}"${nearestName(name, names)}; known are ${names.join(", ")}`);
}

export function plantFault(name: string): void {
  plant(findFault(name));
}
