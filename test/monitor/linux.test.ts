/** Linux's drivers on our devices under the monitor: no MUST is broken, and what is broken is seen. */
import { describe, expect, it } from "vitest";
import { breaksMust } from "../../src/monitor/monitor.ts";
import { LINUX_MS, linuxHere, startLinux } from "../foreign/linux-rig.ts";

const MISER = new URL("miserly-rng.ts", import.meta.url).pathname;
const linux = linuxHere();
const title = typeof linux === "string" ? `Linux (skipped: ${linux})` : `Linux ${linux.release}`;

describe.skipIf(typeof linux === "string")(`the monitor on ${title}`, { timeout: LINUX_MS }, () => {
  it("finds what a device of ours breaks, and nothing of Linux's but that it reads the capacity once", async () => {
    const machine = await startLinux({
      monitor: true,
      others: [{ type: "blk", options: { size: "8M" } }, { type: MISER }],
    });
    try {
      await machine.check("dd if=/dev/vda of=/dev/null bs=64k count=16");
      const [disk] = machine.host.functions;
      if (disk !== undefined) await machine.unplug(disk);
      await machine.check("while test -e /sys/block/vda; do usleep 100000; done");
      await machine.run("timeout 1 head -c 16 /dev/hwrng");
      const findings = machine.monitor?.findings.filter(({ tolerated }) => tolerated === null) ?? [];
      expect(findings.filter(breaksMust).map(({ id }) => id)).toEqual(["RNG-DEV-01"]);
      expect(findings.map(({ id }) => id)).toEqual(["RNG-DEV-01", "CONFIG-DRV-05"]);
    } finally {
      await machine.stop();
    }
  });
});
