/**
 * Writes down every access to our devices' registers, in the words of the specification, whoever makes it: a bus
 * handler that stands before the real one. Configuration space and the MSI-X table are left out unless wanted.
 */
import type { PortHandler, Width } from "../../bus/port-bus.ts";
import type { Host } from "../../host/host.ts";
import type { VirtioFunction } from "../../host/virtio-function.ts";
import { legacyRegisterName } from "../../wire/legacy-registers.ts";

export interface RegisterAccess {
  /** "00:08.0 blk" */
  readonly device: string;
  readonly direction: "read" | "write";
  readonly register: string;
  readonly value: number;
}

export class RegisterLog {
  readonly accesses: RegisterAccess[] = [];

  /** The handler to put in the place of `handler`, whose devices are the host's. */
  intercept(handler: PortHandler, host: Host): PortHandler {
    const note = (direction: RegisterAccess["direction"], port: number, name: string, value: number) => {
      const device = ownerOf(host, port);
      if (device !== undefined) this.accesses.push({ device: device.name, direction, register: name, value });
    };
    return {
      portRead: (port, width) => {
        // Before the access: it may switch things over.
        const name = registerName(host, port, width);
        const value = handler.portRead(port, width);
        note("read", port, name, value);
        return value;
      },
      portWrite: (port, width, value) => {
        note("write", port, registerName(host, port, width), value);
        handler.portWrite(port, width, value);
      },
      mmioRead: (address, width) => handler.mmioRead(address, width),
      mmioWrite: (address, width, value) => handler.mmioWrite(address, width, value),
    };
  }

  /** Of one device, a line each: "write device status 0x1". */
  linesOf(device: string): string[] {
    return this.accesses.filter((access) => access.device.endsWith(device)).map(accessLine);
  }
}

export const accessLine = ({ direction, register, value }: RegisterAccess): string =>
  `${direction} ${register} ${direction === "read" ? "= " : ""}0x${value.toString(16)}`;

function ownerOf(host: Host, port: number): VirtioFunction | undefined {
  return host.functions.find(({ pci }) => {
    const start = pci.decodedAt(0);
    return start !== undefined && port >= start && port < start + (pci.bars[0]?.bytes ?? 0);
  });
}

function registerName(host: Host, port: number, width: Width): string {
  const owner = ownerOf(host, port);
  const start = owner?.pci.decodedAt(0);
  if (owner === undefined || start === undefined) return "";
  const name = legacyRegisterName(port - start, owner.interrupts.msixEnabled);
  return name.startsWith("device config") ? `${name}/${width}` : name;
}
