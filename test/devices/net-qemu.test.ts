/** The socket back-end against QEMU's `-netdev stream`: two of our NICs, and between them QEMU's hub. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import definition from "../../src/devices/net/definition.ts";
import { net } from "../../src/drivers/net/net.ts";
import { frameOf } from "../drivers/net-rig.ts";
import { DirectMachine } from "../support/direct-machine.ts";
import { platform } from "../support/host-rig.ts";
import { tempDir } from "./net-captures.ts";

const QEMU = process.env.VIRTLAB_QEMU ?? "qemu-system-x86_64";
const help = spawnSync(QEMU, ["-netdev", "help"], { encoding: "utf8" });
const hasStream = /^stream$/m.test(help.stdout ?? "");

const FRAMES = 10_000;
/**
 * Frames on their way at once, less than QEMU reads from a stream in one go (68 KiB). With more its hub swaps
 * neighbours now and then, also between two plain sockets (7.2.22).
 */
const IN_FLIGHT = 40;
const WAIT_MS_MAX = 25_000;

let qemu: ChildProcess | undefined;
let machine: DirectMachine | undefined;
afterEach(async () => {
  qemu?.kill("SIGKILL");
  await machine?.host.close();
});

async function until(done: () => boolean): Promise<void> {
  const deadline = performance.now() + WAIT_MS_MAX;
  while (!done()) {
    if (performance.now() > deadline) throw new Error(`not so after ${WAIT_MS_MAX} ms`);
    machine?.host.poll();
    machine?.guest.poll();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** QEMU as a switch: a hub, and on each port a stream to one of the sockets. */
function startHub(paths: readonly string[]): ChildProcess {
  const ports = paths.flatMap((path, i) => [
    ...["-netdev", `stream,id=s${i},server=off,addr.type=unix,addr.path=${path}`],
    ...["-netdev", `hubport,id=p${i},hubid=0,netdev=s${i}`],
  ]);
  const args = ["-machine", "none", "-nodefaults", "-no-user-config", "-display", "none", ...ports];
  return spawn(QEMU, args, { stdio: "ignore" });
}

test.skipIf(!hasStream)(
  "10,000 frames each way between two NICs through QEMU: none lost, none changed, in order (needs QEMU 7.2)",
  async () => {
    const dir = tempDir();
    const paths = ["a", "b"].map((name) => join(dir, name));
    machine = new DirectMachine();
    for (const [i, listen] of paths.entries()) {
      const model = await definition.create({ backend: "socket", listen }, platform);
      machine.add({ model, slot: 4 + i, virtioId: 1, queueSize: 256, msixVectors: 4 });
    }
    machine.guest.boot([net]);
    const nics = machine.guest.virtio.findAll(net);
    qemu = startHub(paths);
    await until(() => nics.every((nic) => nic.linkUp));

    const sent = nics.map(() => createHash("sha256"));
    const heard = nics.map((nic) => {
      const hash = createHash("sha256");
      nic.onFrame((frame) => hash.update(frame));
      return hash;
    });
    for (let at = 0; at < FRAMES; at += IN_FLIGHT) {
      for (const [i, nic] of nics.entries()) {
        for (let seed = at; seed < at + IN_FLIGHT; seed++) {
          const frame = frameOf(60 + ((seed * 31) % 1455), seed + i);
          sent[i]?.update(frame);
          void nic.send(frame);
        }
      }
      await until(() => nics.every(({ counters }) => counters.rxFrames === at + IN_FLIGHT));
    }
    const digests = sent.map((hash) => hash.digest("hex"));
    expect(heard.map((hash) => hash.digest("hex"))).toEqual([digests[1], digests[0]]);
    expect(machine.violations).toEqual([]);
    qemu.kill("SIGKILL");
    await until(() => nics.every((nic) => !nic.linkUp));
  },
);
