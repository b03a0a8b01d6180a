/** What a module of the user's needs for `virtlab hunt --file`: `import { defineScenario } from "virtlab/hunt"`. */
export { MailboxBus } from "../bus/mailbox.ts";
export { Interrupts } from "../guest/virtio-pci/interrupts.ts";
export { VirtioPciTransport } from "../guest/virtio-pci/transport.ts";
export { DriverQueue } from "../guest/virtqueue/driver-queue.ts";
export { Chain, DeviceQueue } from "../host/index.ts";
export { Doorbell } from "../memory/doorbell.ts";
export { type CampaignResult, campaign } from "./campaign.ts";
export { type Defect, defineDefect, type Replacement } from "./defect.ts";
export { Hunter } from "./hunter.ts";
export { attachQueue, QUEUE_IRQ } from "./machine/direct-queue.ts";
export { GuestCpu } from "./machine/guest-cpu.ts";
export { HuntedHost } from "./machine/host-side.ts";
export { ringsInOrder } from "./machine/layout.ts";
export { LateDevice, StampDevice } from "./machine/stamp-device.ts";
export { StampDriver } from "./machine/stamp-driver.ts";
export { RequestLedger } from "./oracles/requests.ts";
export { raceMatchers } from "./proof/matchers.ts";
export { type Proof, type ProofOptions, prove, statement } from "./proof/prove.ts";
export {
  type SharedProgram,
  type SharedWords,
  sharedMemory,
  type WordAtomics,
} from "./proof/shared-memory.ts";
export { type Access, type Race, RaceDetector } from "./races/detector.ts";
export { defineScenario, type Scenario, type ThreadContext, type ThreadProgram } from "./scenario.ts";
