/** `virtlab qemu` as a shell sees it: the work done, and every way in which QEMU can be missing, wrong or gone. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { findQemu } from "../../src/foreign/qemu/find-qemu.ts";
import { QemuMachine } from "../../src/foreign/qemu/qemu-machine.ts";
import { UsageError } from "../../src/host/device.ts";
import type { MachineDescription } from "../../src/machine/description.ts";
import { ofProcess } from "../../src/machine/temporary-folder.ts";
import { type CliResult, cliHere, startCli } from "../support/cli.ts";
import { FULL } from "./matrix.ts";
import { qemuHere } from "./qemu-rig.ts";

const found = qemuHere();
const title = typeof found === "string" ? `virtlab qemu (skipped: ${found})` : "virtlab qemu";
const program = typeof found === "string" ? "" : found.path;
const folder = mkdtempSync(join(tmpdir(), "virtlab-qemu-test-"));
const SMALL = ["--disk-size", "4M"];
/** Written and read back. */
const TRAFFIC_BYTES = 2 ** 30;
const TRAFFIC_MS = 300_000;
/** Says that it runs, then reads for half a minute: something to interrupt. */
const STARTED = join(folder, "started");
const BUSY = script(
  "busy.mjs",
  `import { writeFileSync } from "node:fs";
  export default async (guest) => {
    writeFileSync("${STARTED}", "");
    const disk = guest.virtio.find("virtio_blk");
    for (const end = Date.now() + 30_000; Date.now() < end; ) await disk.read(0, 8);
  };`,
);
const BUSY_ARGS = ["--device", "blk,size=4M", "--guest", BUSY];

beforeEach(() => rmSync(STARTED, { force: true }));
afterAll(() => rmSync(folder, { recursive: true }));

function script(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

const qemu = (args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> =>
  startCli(["qemu", ...args], folder, env).done;

/** A QEMU that something happens to while the guest program runs. */
const fated = (name: string, fate: string): Record<string, string> => ({
  VIRTLAB_QEMU: script(
    name,
    `#!/bin/sh\ncase "$1" in --version) exec ${program} --version;; esac\n(while [ ! -e ${STARTED} ]; do sleep 0.05; done; ${fate}) &\nexec ${program} "$@"\n`,
  ),
});

async function started(): Promise<void> {
  while (!existsSync(STARTED)) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Scratch folders and QEMU processes of virtlab's process. */
function leftovers(pid: number | undefined): string[] {
  const name = ofProcess("virtlab-qemu", pid);
  const folders = ["/dev/shm", tmpdir()].flatMap((parent) => readdirSync(parent));
  const commands = readdirSync("/proc").flatMap((entry) => commandLine(entry));
  return [...folders, ...commands].filter((text) => text.includes(name));
}

function commandLine(pid: string): string[] {
  try {
    return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
  } catch {
    // Not a process, or one that has just ended.
    return [];
  }
}

describe("finding QEMU", () => {
  it.each([
    ["is missing", "/nowhere/qemu", /\/nowhere\/qemu is not installed.*apt-get install qemu-system-x86/],
    [
      "is too old",
      script("old", '#!/bin/sh\necho "QEMU emulator version 4.2.1 (Debian)"\n'),
      /QEMU 4\.2\.1; expected 7\.2/,
    ],
    ["is something else", script("else", "#!/bin/sh\necho hello\n"), /does not say that it is QEMU: "hello"/],
    ["fails", script("fails", "#!/bin/sh\nexit 3\n"), /--version failed/],
  ])("says what to do about one that %s", (_, path, says) => {
    expect(() => findQemu(path)).toThrow(says);
  });

  it.skipIf(!FULL)("is wrong usage, to a shell, when it fails", async () => {
    const { code, stderr } = await qemu([], { VIRTLAB_QEMU: "/nowhere/qemu" });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^virtlab: \/nowhere\/qemu is not installed/)]);
  });
});

describe.skipIf(typeof found === "string")(title, () => {
  it.each<[string, MachineDescription, RegExp]>([
    ["an unknown device", { devices: [{ type: "nett" }] }, /QEMU device "nett" \(did you mean net\?\)/],
    [
      "a property that QEMU does not know",
      { devices: [{ type: "rng", options: { foo: 1 } }] },
      /Property 'virtio-rng-pci\.foo' not found/,
    ],
    [
      "a disk that is not there",
      { devices: [{ type: "blk", options: { file: "nowhere.img" } }] },
      /disk .*nowhere\.img: ENOENT/,
    ],
    ["more memory than a PC has in one piece", { memory: "3G" }, /with QEMU at most 2G/],
    [
      "a back-end that QEMU does not have",
      { devices: [{ type: "net", options: { backend: "pcap" } }] },
      /back-end is hub or socket, not "pcap"/,
    ],
  ])("refuses %s as wrong usage", async (_, description, says) => {
    const error = await QemuMachine.start(description).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toMatch(says);
    expect(leftovers(process.pid)).toEqual([]);
  });

  it("does the same work as virtlab run, and answers with the same keys", async () => {
    const args = [...SMALL, "--seed", "7", "--json"];
    const theirs = await cliHere("qemu", ...args);
    const ours = await cliHere("run", ...args);
    expect([theirs.code, theirs.stderr]).toEqual([0, ""]);
    const [foreign, own] = [JSON.parse(theirs.stdout), JSON.parse(ours.stdout)];
    expect(Object.keys(foreign)).toEqual(Object.keys(own));
    expect(foreign).toMatchObject({
      counterpart: expect.stringMatching(/^QEMU \d+\.\d+/),
      verdict: "completed",
      verified: true,
      disk: { sha256: own.disk.sha256 },
      interrupts: { tier: "msix" },
    });
  });

  it("takes every device at once, on either machine, with any interrupts", async () => {
    const devices = ["balloon", "net", "net", "console"].flatMap((name) => ["--device", name]);
    const args = [...SMALL, ...devices, "--machine", "q35", "--interrupts", "intx", "--event-index", "off"];
    const { code, stdout } = await qemu([
      ...args,
      "--indirect",
      "off",
      "--queue-size",
      "16",
      "--transitional",
    ]);
    expect([code, stdout.trim().split("\n").at(-1)]).toEqual([
      0,
      "verdict: completed, verified (intx interrupts)",
    ]);
  });

  it("leaves the user's file alone, and with --write puts back what was there", async () => {
    const disk = join(folder, "disk.img");
    const content = Buffer.alloc(2 << 20, "virtlab");
    writeFileSync(disk, content);
    for (const write of FULL ? [[], ["--write"]] : [["--write"]]) {
      const { code, stdout } = await cliHere("qemu", "--disk", disk, ...write, "--json");
      expect([code, JSON.parse(stdout).pattern.verified]).toEqual([0, true]);
      expect(readFileSync(disk).equals(content)).toBe(true);
    }
  });

  it("runs a guest program of the user's", async () => {
    const guest = script(
      "program.mjs",
      `export default async (guest) => ({ id: await guest.virtio.find("virtio_blk").id(), args: guest.args });`,
    );
    const args = ["--device", "blk,size=1M,serial=mine", "--guest", guest, "--arg", "x", "--json"];
    const { code, stdout } = await cliHere("run", "--counterpart", "qemu", ...args);
    expect([code, JSON.parse(stdout).result]).toEqual([0, { id: "mine", args: ["x"] }]);
  });

  it.skipIf(!FULL).each([
    ["pc", "msix"],
    ["q35", "intx"],
  ])(
    `moves ${TRAFFIC_BYTES} bytes of block traffic, every one verified (%s, %s)`,
    async (machine, interrupts) => {
      const guest = fileURLToPath(new URL("traffic-program.ts", import.meta.url));
      const args = ["--device", "blk,size=32M", "--guest", guest, "--arg", String(TRAFFIC_BYTES), "--json"];
      const { code, stdout } = await qemu([...args, "--machine", machine, "--interrupts", interrupts]);
      expect([code, JSON.parse(stdout).result]).toEqual([0, { bytes: TRAFFIC_BYTES, different: 0 }]);
    },
    TRAFFIC_MS,
  );

  it("makes a finding of a QEMU that dies in mid-run, with what it said", async () => {
    const { child, done } = startCli(
      ["qemu", ...BUSY_ARGS, "--json"],
      folder,
      fated("dies", "echo 'boom: out of luck' >&2; kill -ABRT $$"),
    );
    const { code, stdout } = await done;
    const { verdict, reason, fault } = JSON.parse(stdout);
    expect([code, verdict, fault.kind]).toEqual([1, "crashed", "counterpart"]);
    expect(reason).toMatch(/^QEMU ended \(SIGABRT\)/);
    expect(leftovers(child.pid)).toEqual([]);
  });

  it("is a failure, and no wrong usage, when something kills it while it starts", async () => {
    const killed = script(
      "killed",
      `#!/bin/sh\ncase "$1" in --version) exec ${program} --version;; esac\nkill -KILL $$\n`,
    );
    const { code, stderr } = await qemu(BUSY_ARGS, { VIRTLAB_QEMU: killed });
    expect([code, stderr]).toEqual([3, expect.stringMatching(/^virtlab: QEMU ended \(SIGKILL\)/)]);
  });

  it.skipIf(!FULL)("makes a stall of a QEMU that answers no more", async () => {
    const config = script("config.json", JSON.stringify({ deadlines: { stallMs: 300 } }));
    const { child, done } = startCli(
      ["qemu", ...BUSY_ARGS, "--config", config, "--json"],
      folder,
      fated("hangs", "kill -STOP $$"),
    );
    const { code, stdout } = await done;
    expect([code, JSON.parse(stdout).verdict]).toEqual([1, "stalled"]);
    expect(leftovers(child.pid)).toEqual([]);
  });

  it("ends within a second at Ctrl-C, and leaves nothing behind", async () => {
    const { child, done } = startCli(["qemu", ...BUSY_ARGS], folder);
    await started();
    const begun = performance.now();
    child.kill("SIGINT");
    expect((await done).code).toBe(130);
    expect(performance.now() - begun).toBeLessThan(1000);
    expect(leftovers(child.pid)).toEqual([]);
  });

  it.skipIf(!FULL)("leaves nothing behind on Ctrl-C in the middle of its start", async () => {
    for (const waitMs of [0, 50, 200]) {
      const { child, done } = startCli(["qemu", "--disk-size", "256M"], folder);
      while (leftovers(child.pid).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      child.kill("SIGINT");
      expect(await done).toMatchObject({ code: 130, stderr: "" });
      expect(leftovers(child.pid)).toEqual([]);
    }
  });

  it.skipIf(!FULL)("takes QEMU with it when it is killed, and the next run clears up behind it", async () => {
    const { child, done } = startCli(["qemu", ...BUSY_ARGS], folder);
    await started();
    child.kill("SIGKILL");
    await done;
    const running = () => leftovers(child.pid).filter((text) => text.includes("-machine"));
    while (running().length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(leftovers(child.pid)).toHaveLength(1);
    await qemu(SMALL);
    expect(leftovers(child.pid)).toEqual([]);
  });
});
