/** Negative controls: faults planted in our devices, each of which Linux must notice. */
import { createHash } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import type { PortHandler } from "../../src/bus/port-bus.ts";
import type { Disk } from "../../src/devices/blk/disk.ts";
import { memoryDisk } from "../../src/devices/blk/memory-disk.ts";
import { blk } from "../../src/devices/blk/model.ts";
import type { Host } from "../../src/host/host.ts";
import type { SharedMemory } from "../../src/memory/shared-memory.ts";
import { formatTable } from "../../src/observe/report/tables.ts";
import { RING_FEATURES } from "../../src/wire/features.ts";
import { LEGACY } from "../../src/wire/legacy-registers.ts";
import { Random } from "../../src/wire/random.ts";
import { type Site, site } from "../../src/wire/sites.ts";
import { LINUX_MS, linuxHere, overriding, startLinux } from "./linux-rig.ts";
import { FULL } from "./matrix.ts";
import { spoilMemory } from "./spoil.ts";

const linux = linuxHere();
const title = typeof linux === "string" ? `Linux notices (skipped: ${linux})` : "Linux notices";
const BYTES = 1 << 20;
const SEED = 5;
/** How long Linux is given to read the disk when it should, and how long when it should not. */
const LOOK_S = 60;
const HANG_S = 2;
/** Faults that the short run plants. */
const QUICK = 2;

interface Fault {
  readonly name: string;
  readonly intercept?: ((handler: PortHandler, host: Host) => PortHandler) | undefined;
  readonly wrapRam?: ((memory: SharedMemory) => SharedMemory) | undefined;
  readonly wrapDisk?: (disk: Disk) => Disk;
  readonly revision?: number;
  readonly vectors?: number;
  /** What is seen in Linux: in its log, in the answer to a read, or that none comes. */
  readonly seen: RegExp;
}

/** Offset in BAR0 of the one device there is, or -1. */
function offsetOf(host: Host, port: number): number {
  const start = host.functions[0]?.pci.decodedAt(0);
  return start !== undefined && port >= start && port < start + 64 ? port - start : -1;
}

/** Changes what one register reads as. */
const readAs =
  (offset: number, change: (value: number) => number) =>
  (handler: PortHandler, host: Host): PortHandler =>
    overriding(handler, {
      portRead(port, width) {
        const value = handler.portRead(port, width);
        return offsetOf(host, port) === offset ? change(value) : value;
      },
    });

/** Changes what is written to one register. */
const writtenAs =
  (offset: number, change: (value: number) => number) =>
  (handler: PortHandler, host: Host): PortHandler =>
    overriding(handler, {
      portWrite: (port, width, value) =>
        handler.portWrite(port, width, offsetOf(host, port) === offset ? change(value) : value),
    });

const HANGS = /^hung$/m;
const WRONG_DATA = /^wrong data$/m;

const FAULTS: readonly Fault[] = [
  { name: "PCI revision 1: another ABI", revision: 1, seen: /can't open '\/dev\/vda'/ },
  {
    name: "queue size 0: no queue",
    intercept: readAs(LEGACY.queueSize.offset, () => 0),
    seen: /virtio_blk.* probe of virtio\d+ failed with error -2/,
  },
  {
    name: "vectors read back as refused",
    intercept: readAs(LEGACY.queueVector.offset, () => 0xffff),
    // It then makes do with the line.
    seen: /IO-APIC .* virtio\d+$/m,
  },
  {
    name: "a read gives no data",
    wrapDisk: (disk) => ({ ...disk, read: (_position, _length, take) => take(new Uint8Array()) }),
    seen: WRONG_DATA,
  },
  {
    name: "off by one sector",
    wrapDisk: (disk) => ({
      ...disk,
      read: (position, length, take) => disk.read((position + 512) % (BYTES - length), length, take),
    }),
    seen: WRONG_DATA,
  },
  {
    name: "messages with another vector",
    intercept: writtenAs(LEGACY.queueVector.offset, (vector) => (vector === 1 ? 0 : vector)),
    seen: HANGS,
  },
  {
    name: "configuration stays at 20 with MSI-X on",
    intercept: (handler, host) =>
      overriding(handler, {
        portRead: (port, width) => handler.portRead(offsetOf(host, port) >= 24 ? port - 4 : port, width),
      }),
    seen: /failed with error|\[vda\] (?!2048 )\d+ 512-byte/,
  },
  {
    name: "reading ISR leaves the line up",
    vectors: 0,
    intercept: (handler, host) =>
      overriding(handler, {
        portRead(port, width) {
          if (offsetOf(host, port) !== LEGACY.isr.offset) return handler.portRead(port, width);
          isrReads++;
          return isrReads === 1 ? 1 : 0;
        },
      }),
    seen: /Disabling IRQ #\d+/,
  },
  {
    name: "the used index is not written",
    wrapRam: spoilMemory("device: publish used.idx", () => undefined),
    seen: HANGS,
  },
  {
    name: "used elements name other chains",
    wrapRam: spoilMemory("device: write used element", (value) => value ^ 0x55),
    seen: /id \d+ (is not a head|out of range)/,
  },
  {
    name: "kicks are lost",
    intercept: (handler, host) =>
      overriding(handler, {
        portWrite(port, width, value) {
          if (offsetOf(host, port) !== LEGACY.queueNotify.offset) handler.portWrite(port, width, value);
        },
      }),
    seen: HANGS,
  },
  {
    name: "the used ring is 64 bytes too high",
    wrapRam: (memory) => shifted(memory),
    seen: HANGS,
  },
];
let isrReads = 0;

/** What the device writes to used rings lands elsewhere. */
function shifted(memory: SharedMemory): SharedMemory {
  const moved = new Set([site("device: write used element"), site("device: publish used.idx")]);
  return new Proxy(memory, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      if (name !== "write32" && name !== "store16") return member.bind(target);
      return (offset: number, value: number, at: Site) =>
        member.call(target, moved.has(at) ? offset + 64 : offset, value, at);
    },
  });
}

const content = new Uint8Array(BYTES);
new Random(SEED).fill(content);
const SUM = createHash("md5").update(content).digest("hex");

/** Finds the device, reads all of it, and tells what was seen; a read that does not end is left behind. */
const look = (seconds: number): string => `
(echo 1 >/sys/bus/pci/rescan; md5sum /dev/vda >/tmp/sum; touch /tmp/ended) &
for i in $(seq ${seconds * 10}); do
  [ -e /tmp/ended ] && break
  dmesg | grep -qE 'is not a head|out of range|Disabling IRQ' && break
  usleep 100000
done
if [ ! -e /tmp/ended ]; then echo hung; elif ! grep -q ${SUM} /tmp/sum; then echo "wrong data"; else echo "all well"; fi
grep virtio /proc/interrupts
dmesg | tail -n 30`;

async function seenBy({ intercept, wrapRam, wrapDisk, revision, vectors, seen }: Fault): Promise<string> {
  const machine = await startLinux({ intercept, wrapRam });
  const disk = memoryDisk({ bytes: BYTES, readOnly: false, seed: SEED });
  machine.host.addDevice({
    slot: 8,
    name: "blk",
    virtioId: 2,
    model: blk(wrapDisk?.(disk) ?? disk),
    queueSize: 256,
    msixVectors: vectors ?? 2,
    transportFeatures: RING_FEATURES,
    ...(revision !== undefined && { revision }),
  });
  const { output } = await machine.run(look(seen === HANGS ? HANG_S : LOOK_S));
  await machine.stop();
  return output;
}

describe.skipIf(typeof linux === "string")(title, { timeout: LINUX_MS }, () => {
  const noticed: string[][] = [];
  afterAll(() => console.log(formatTable(["fault", "what Linux shows"], noticed)));

  it("nothing where there is no fault", async () => {
    const output = await seenBy({ name: "none", seen: /x/ });
    for (const { seen } of FAULTS) expect(output).not.toMatch(seen);
    expect(output).toContain("all well");
  });

  it.each(FULL ? FAULTS : FAULTS.slice(0, QUICK))("$name", async (fault) => {
    const output = await seenBy(fault);
    expect(output).toMatch(fault.seen);
    noticed.push([fault.name, fault.seen.exec(output)?.[0].replace(/\s+/g, " ").trim() ?? ""]);
  });
});
