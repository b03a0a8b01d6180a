/** The parts of devices that this CPU has, as CPU 0 gives and takes them. */
import type { PortBus } from "../../bus/port-bus.ts";
import { type CpuRequest, type DevicePart, QUEUES_IRQ } from "../cpus.ts";
import type { Guest } from "../guest.ts";
import { PartTransport } from "./part-transport.ts";

export interface DevicePartsOptions {
  readonly guest: Guest;
  readonly bus: PortBus;
  readonly wantReset: (name: string, reason: string) => void;
}

export class DeviceParts {
  readonly #options: DevicePartsOptions;
  readonly #transports = new Map<string, PartTransport>();

  constructor(options: DevicePartsOptions) {
    this.#options = options;
    options.guest.irq.requestIrq(QUEUES_IRQ, this.#lookAtQueues, "queues", this);
  }

  perform(request: CpuRequest): void {
    const { virtio } = this.#options.guest;
    if (request.kind === "attach") this.#attach(request.part);
    else if (request.kind === "detach") this.#detach(request.name);
    else if (request.kind === "resumed") this.#transports.get(request.name)?.resumed();
    else if (request.kind === "started") virtio.partStarted(request.name);
    else virtio.partChanged(request.name);
  }

  #attach(part: DevicePart): void {
    const { guest, bus, wantReset } = this.#options;
    const { irq, memory, retired } = guest;
    const transport = new PartTransport({ part, bus, irq, memory, retired, wantReset });
    if (guest.virtio.attachPart(transport, part)) this.#transports.set(part.name, transport);
  }

  #detach(name: string): void {
    this.#transports.get(name)?.leave();
    this.#options.guest.virtio.detachPart(name);
    this.#transports.delete(name);
  }

  readonly #lookAtQueues = (): boolean => {
    for (const transport of this.#transports.values()) transport.lookAtQueues();
    return true;
  };
}
