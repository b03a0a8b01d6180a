/** SeaBIOS's own virtio driver, a second one: it boots from our disk. */
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { memoryDisk } from "../../src/devices/blk/memory-disk.ts";
import { blk } from "../../src/devices/blk/model.ts";
import { PcHost } from "../../src/foreign/linux/pc-host.ts";
import { RegisterLog } from "../../src/foreign/linux/register-log.ts";
import { SerialLine } from "../../src/foreign/linux/serial.ts";
import { findSystemFiles } from "../../src/foreign/linux/system-files.ts";
import { newV86 } from "../../src/foreign/linux/v86.ts";
import { RING_FEATURES } from "../../src/wire/features.ts";
import { LINUX_MS, linuxHere } from "./linux-rig.ts";

const linux = linuxHere();
const title = typeof linux === "string" ? `SeaBIOS (skipped: ${linux})` : "SeaBIOS";
const SECTOR = 512;
const TEXT = "read by the BIOS, sector two";

/** A boot sector that reads the next sector with the BIOS, and sends the text in it to the first serial line. */
const BOOT_SECTOR = [
  [0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0], // ds = es = 0
  [0xb8, 0x01, 0x02, 0xbb, 0x00, 0x7e], // ah = 2 (read), al = 1 sector, to 0x7e00
  [0xb9, 0x02, 0x00, 0xb6, 0x00], // cylinder 0, sector 2, head 0; dl is the drive that we came from
  [0xcd, 0x13, 0x72, 0xfe], // int 13h; an error ends here
  [0xbe, 0x00, 0x7e, 0xba, 0xf8, 0x03], // si = text, dx = serial port
  [0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf8], // lodsb; until 0: out dx, al
  [0xf4, 0xeb, 0xfd], // hlt, for ever
].flat();

async function bootableDisk() {
  const disk = memoryDisk({ bytes: 4 << 20, readOnly: false });
  const first = new Uint8Array(SECTOR);
  first.set(BOOT_SECTOR);
  first.set([0x55, 0xaa], SECTOR - 2);
  const second = new Uint8Array(SECTOR);
  second.set(Buffer.from(`${TEXT}\n`));
  await disk.write(0, [first, second]);
  return disk;
}

describe.skipIf(typeof linux === "string")(title, { timeout: LINUX_MS }, () => {
  it.each([true, false])("boots from our disk, and reads it (acpi: %s)", async (acpi) => {
    const bios = await readFile(findSystemFiles({}).bios);
    const emulator = await newV86({ memory: 32 << 20, bios, commandLine: "", acpi });
    const violations: string[] = [];
    const log = new RegisterLog();
    const pc = new PcHost(emulator.v86.cpu, {
      violated: ({ kind, detail }) => violations.push(`${kind}: ${detail}`),
      log: () => {},
      failed: (error) => violations.push(String(error)),
      intercept: log.intercept.bind(log),
    });
    pc.host.addDevice({
      slot: 8,
      name: "blk",
      virtioId: 2,
      model: blk(await bootableDisk()),
      queueSize: 128,
      msixVectors: 2,
      transportFeatures: RING_FEATURES,
    });
    const serial = new SerialLine(emulator, 0);
    const text = new Promise<string>((resolve) => {
      serial.onLine = resolve;
    });
    await emulator.run();
    expect(await text).toBe(TEXT);
    await emulator.destroy();
    await pc.close();
    expect(violations).toEqual([]);
    // It goes through fewer steps than the specification asks for.
    const steps = log.linesOf("blk").filter((line) => line.startsWith("write device status"));
    expect(steps.slice(0, 3).map((line) => Number(line.split(" ").at(-1)))).toEqual([0, 3, 7]);
  });
});
