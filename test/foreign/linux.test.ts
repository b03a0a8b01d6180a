/** The acceptance suite: Linux's drivers on our devices. */
import { createHash, randomFillSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LinuxError } from "../../src/foreign/linux/agent.ts";
import { openDevices } from "../../src/foreign/linux/devices.ts";
import type { LinuxMachine } from "../../src/foreign/linux/linux-machine.ts";
import { formatTable } from "../../src/observe/report/tables.ts";
import { acceptFileSystem } from "./linux-file-system.ts";
import { interrupts, LINUX_MS, linuxHere, startLinux, waitFor } from "./linux-rig.ts";
import { FULL } from "./matrix.ts";

const MIB = 1 << 20;
/** Read and written; an emulated processor takes a second for each. */
const MOVED = FULL ? 16 : 4;
const linux = linuxHere();
const title = typeof linux === "string" ? `Linux (skipped: ${linux})` : `Linux ${linux.release}`;
const md5 = (bytes: Uint8Array): string => createHash("md5").update(bytes).digest("hex");

describe.skipIf(typeof linux === "string")(title, { timeout: LINUX_MS }, () => {
  let machine: LinuxMachine;
  let folder = "";
  const disk = () => join(folder, "disk.img");
  const fileSystem = () => join(folder, "file-system.img");
  const sh = (script: string) => machine.check(script);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "virtlab-linux-test-"));
    writeFileSync(disk(), randomFillSync(new Uint8Array(48 * MIB)));
    writeFileSync(fileSystem(), new Uint8Array(16 * MIB));
    machine = await startLinux({
      others: [
        { type: "blk", options: { file: disk(), serial: "first-disk" } },
        { type: "blk", options: { file: fileSystem() } },
        { type: "rng" },
        { type: "net", options: { responder: true, mac: "52:54:00:00:00:07" } },
        { type: "console" },
        { type: "balloon" },
      ],
    });
  }, LINUX_MS);

  afterAll(async () => {
    await machine?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("binds a driver to each device", async () => {
    const drivers = await sh("for d in /sys/bus/virtio/devices/*; do basename $(readlink $d/driver); done");
    expect(drivers.split("\n")).toEqual([
      "virtio_blk",
      "virtio_blk",
      "virtio_rng",
      "virtio_net",
      "virtio_console",
      "virtio_balloon",
    ]);
    expect(await sh("cat /sys/block/vda/serial; echo; cat /sys/block/vda/size")).toBe("first-disk\n98304");
  });

  it(`reads ${MOVED} MiB of the disk as they are outside`, async () => {
    const sum = await sh(`dd if=/dev/vda bs=1M count=${MOVED} 2>/dev/null | md5sum`);
    expect(sum).toContain(md5(readFileSync(disk()).subarray(0, MOVED * MIB)));
  });

  it(`writes ${MOVED} MiB to the disk that are the same outside`, async () => {
    await sh(`dd if=/dev/vda of=/dev/vda bs=1M count=${MOVED} skip=16 seek=32 conv=fsync 2>/dev/null`);
    const now = readFileSync(disk());
    const at = (mib: number) => md5(now.subarray(mib * MIB, (mib + MOVED) * MIB));
    expect(at(32)).toBe(at(16));
  });

  acceptFileSystem("/dev/vdb", () => machine, fileSystem);

  it("takes entropy, twice and not the same", async () => {
    expect(await sh("cat /sys/class/misc/hw_random/rng_current")).toMatch(/^virtio_rng/);
    const [first, second, bytes] = (
      await sh(
        "for i in 1 2; do dd if=/dev/hwrng bs=64 count=1 2>/dev/null | md5sum; done; dd if=/dev/hwrng bs=64 count=100 2>/dev/null | wc -c",
      )
    ).split("\n");
    expect(first).not.toBe(second);
    expect(first).not.toContain(md5(new Uint8Array(64)));
    expect(bytes).toBe("6400");
  });

  it("pings over the network", async () => {
    await sh("ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0");
    expect(await sh("cat /sys/class/net/eth0/address")).toBe("52:54:00:00:00:07");
    const output = await sh("ping -c 5 -i 0.1 -s 1400 10.0.2.2 || ping -c 5 -s 1400 10.0.2.2");
    expect(output).toContain("5 packets transmitted, 5 packets received, 0% packet loss");
  });

  it("notices the network's cable", async () => {
    await machine.deviceCommand("net", "link", "down");
    await sh(waitFor("[ $(cat /sys/class/net/eth0/carrier) = 0 ]"));
    await machine.deviceCommand("net", "link", "up");
    await sh(waitFor("[ $(cat /sys/class/net/eth0/carrier) = 1 ]"));
  });

  it("talks over the console, both ways", async () => {
    await sh("stty -F /dev/hvc0 -echo; echo from Linux >/dev/hvc0");
    expect(await machine.deviceCommand("console", "output")).toBe("from Linux\r\n");
    const heard = sh("head -n 1 /dev/hvc0");
    await machine.deviceCommand("console", "input", "0", "to Linux\n");
    expect(await heard).toBe("to Linux");
  });

  it("gives and takes memory as the balloon asks", async () => {
    const info = () => machine.deviceCommand("balloon", "info") as Promise<{ actualPages: number }>;
    const free = async () => Number(/\d+/.exec(await sh("grep MemTotal /proc/meminfo"))?.[0]);
    const before = await free();
    const becomes = async (pages: number) => {
      while ((await info()).actualPages !== pages) await sh("usleep 100000");
    };
    await machine.deviceCommand("balloon", "target", "16M");
    await becomes(4096);
    expect(before - (await free())).toBe(16 * 1024);
    await machine.deviceCommand("balloon", "target", "0");
    await becomes(0);
    expect(await free()).toBe(before);
  });

  it("sees a disk grow, at once", async () => {
    await machine.deviceCommand(8, "resize", "64M");
    await sh(waitFor("[ $(cat /sys/block/vda/size) = 131072 ]"));
    const grown = await sh(`dd if=/dev/vda bs=1M skip=48 count=${MOVED} 2>/dev/null | md5sum`);
    expect(grown).toContain(md5(new Uint8Array(MOVED * MIB)));
  });

  describe("lets go of a device and takes it again:", () => {
    // Which name the disk has depends on who was bound first.
    const reads =
      "d=$(grep -l first-disk /sys/block/vd*/serial | cut -d/ -f4); dd if=/dev/$d bs=1M count=1 2>/dev/null | md5sum";
    const sum = () => md5(readFileSync(disk()).subarray(0, MIB));

    it("unbind and bind", async () => {
      await sh(
        "cd /sys/bus/virtio/drivers/virtio_blk; echo virtio0 >unbind; [ ! -e /dev/vda ]; echo virtio0 >bind",
      );
      expect(await sh(reads)).toContain(sum());
    });
    it("unbind and bind of the PCI driver", async () => {
      await sh(
        "cd /sys/bus/pci/drivers/virtio-pci; echo 0000:00:08.0 >unbind; [ ! -e /dev/vda ]; echo 0000:00:08.0 >bind",
      );
      expect(await sh(reads)).toContain(sum());
    });
    it("rmmod and insmod", async () => {
      await sh("rmmod virtio_blk; [ ! -e /dev/vda ]; insmod /modules/virtio_blk.ko");
      expect(await sh(reads)).toContain(sum());
    });
    it("remove and rescan", async () => {
      await sh(
        "echo 1 >/sys/bus/pci/devices/0000:00:08.0/remove; [ ! -e /dev/vda ]; echo 1 >/sys/bus/pci/rescan",
      );
      expect(await sh(reads)).toContain(sum());
    });
  });

  const plug = async () => {
    const { opened } = await openDevices({ others: [{ type: "blk", slot: 20, options: { size: "1M" } }] });
    const [device] = opened.map((each) => machine.plug(each));
    await sh(waitFor("[ -e /dev/vdc ]"));
    // It waits for the probe to end: a request of the probe's that is lost with its device would block Linux for good.
    await sh("echo 1 >/sys/bus/pci/rescan");
    return device;
  };

  it("takes a device that is plugged in, and gives it back when asked", async () => {
    const device = await plug();
    expect(await sh("cat /sys/block/vdc/size")).toBe("2048");
    if (device !== undefined) await machine.requestUnplug(device);
    await sh(waitFor("[ ! -e /dev/vdc ]"));
  });

  it("broke no rule in all that, and had nothing to complain of", async () => {
    const rows = await interrupts(machine);
    console.log(
      formatTable(
        ["irq", "count", "chip", "for"],
        rows.map(({ irq, count, chip, names }) => [irq, count, chip, names]),
      ),
    );
    expect(machine.violations).toEqual([]);
    expect(await sh("dmesg | grep -iE 'BUG:|WARNING:|I/O error|nobody cared|Oops' || true")).toBe("");
  });

  it("bears the loss of a device, though it warns that a status reads as all ones", async () => {
    const device = await plug();
    if (device !== undefined) await machine.unplug(device);
    await sh(waitFor("[ ! -e /dev/vdc ]"));
    expect(await sh("dmesg | grep WARNING:")).toMatch(/virtio/);
  });

  it("ends a command that hangs, and one that takes the kernel with it", async () => {
    await expect(machine.run("sleep 1000", 300)).rejects.toThrow(
      new LinuxError("the command has not ended after 0.3 s: sleep 1000"),
    );
    machine.console.send("echo c >/proc/sysrq-trigger\n");
    await expect(machine.run("true")).rejects.toThrow(
      new LinuxError("Linux has ended: Kernel panic - not syncing: sysrq triggered crash"),
    );
  });
});
