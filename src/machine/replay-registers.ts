/** Plays recorded register traffic to a device alone, and compares what it answers. */
import { DirectBus } from "../bus/direct-bus.ts";
import { Host } from "../host/host.ts";
import { allocateShared, attachMemory } from "../memory/attach.ts";
import { Ram } from "../memory/ram.ts";
import type { RegisterAccess, RegisterFile } from "../observe/report/register-file.ts";
import { CONFIG_ADDRESS_PORT, CONFIG_DATA_PORT, configAddress, PCI } from "../wire/pci.ts";
import { checkDescription, type DeviceDescription } from "./description.ts";
import { createDevice } from "./hot-plug.ts";
import { livePlatform } from "./platform.ts";
import { planFor } from "./shared-parts.ts";

export interface Difference {
  /** Which access of the file, from 1. */
  readonly at: number;
  readonly access: RegisterAccess;
  readonly found: number;
}

export interface Replay {
  readonly accesses: number;
  readonly reads: number;
  readonly differences: readonly Difference[];
  /** Protocol breaches that the device reported. */
  readonly violations: readonly string[];
}

/** Bits of the PCI status word that follow interrupts, which have no rings behind them here. */
const INTERRUPT_STATUS = 1 << 3;

export async function replayRegisters(file: RegisterFile, device: DeviceDescription): Promise<Replay> {
  const spec = checkDescription({
    indirect: file.indirect,
    eventIndex: file.eventIndex,
    devices: [{ ...device, slot: file.slot }],
  });
  const plan = planFor(spec);
  const violations: string[] = [];
  const host = new Host({
    ram: new Ram(attachMemory(allocateShared(spec.memory)), spec.memoryBase),
    control: attachMemory(allocateShared(plan.bytes)),
    plan,
    platform: livePlatform,
    kickFastPath: false,
    violated: ({ kind, detail }) => violations.push(`${kind}: ${detail}`),
  });
  const [only] = spec.devices;
  if (only === undefined) throw new Error("a replay has one device");
  host.addDevice(await createDevice(only, spec));
  try {
    return { ...play(file, host), violations };
  } finally {
    await host.close();
  }
}

function play({ slot, accesses }: RegisterFile, host: Host): Omit<Replay, "violations"> {
  const bus = new DirectBus(host.handler);
  const config = (offset: number): number => {
    bus.out(CONFIG_ADDRESS_PORT, 4, configAddress({ bus: 0, slot, function: 0 }, offset));
    return CONFIG_DATA_PORT + (offset & 3);
  };
  const bar = (index: number): number => bus.in(config(PCI.bar0 + 4 * index), 4);
  const perform = ({ write, space, offset, width, value }: RegisterAccess): number => {
    const memory = space === "msix";
    const address = space === "pci" ? config(offset) : memory ? (bar(1) & ~15) >>> 0 : bar(0) & ~3;
    const at = space === "pci" ? address : address + offset;
    if (!write) return memory ? bus.mmioRead(at, width) : bus.in(at, width);
    if (memory) bus.mmioWrite(at, width, value);
    else bus.out(at, width, value);
    return value;
  };
  const differences: Difference[] = [];
  let reads = 0;
  accesses.forEach((access, index) => {
    const found = perform(access);
    host.poll();
    if (access.write) return;
    reads++;
    if (comparable(access, access.value) !== comparable(access, found)) {
      differences.push({ at: index + 1, access, found });
    }
  });
  return { accesses: accesses.length, reads, differences };
}

const ISR_OFFSET = 19;

/** What of an answer does not depend on rings: interrupts come from requests, and those are not in the file. */
function comparable({ space, offset }: RegisterAccess, value: number): number {
  if (space === "io" && offset === ISR_OFFSET) return 0;
  if (space === "msix" && offset >= 0x800) return 0;
  return space === "pci" && offset === PCI.status ? value & ~INTERRUPT_STATUS : value;
}
