/** Live machines with a monitor at each side: correct drivers and devices break nothing. */
import { describe, expect, it } from "vitest";
import { runAcceptance } from "../../src/machine/acceptance.ts";
import type { MachineDescription } from "../../src/machine/description.ts";

const RUN_MS = 60_000;
const DEVICES = [{ type: "net" }, { type: "console", options: { ports: 3 } }, { type: "balloon" }] as const;

const SHAPES: readonly (readonly [string, MachineDescription])[] = [
  ["a vector per queue", {}],
  [
    "one vector for all, flags, small queues",
    { interrupts: "msix-shared", eventIndex: false, queueSize: 32 },
  ],
  [
    "a line, no indirect tables, kicks by mailbox",
    { interrupts: "intx", indirect: false, kickFastPath: false },
  ],
];

describe("the monitor on a live machine", () => {
  it.each(SHAPES)(
    "finds nothing with %s",
    async (_name, shape) => {
      const { report, verified } = await runAcceptance(
        { ...shape, devices: [...DEVICES], watch: { monitor: true } },
        { disk: undefined, diskSize: "1M", write: false, protection: "read-only", seed: 1 },
      );
      expect(verified).toBe(true);
      expect(report.host?.findings).not.toBeNull();
      expect(report.guest?.findings).not.toBeNull();
      expect(report.monitor?.findings.filter(({ tolerated }) => tolerated === null)).toEqual([]);
    },
    RUN_MS,
  );

  it("is not there unless it was asked for", async () => {
    const { report } = await runAcceptance(
      {},
      { disk: undefined, diskSize: "1M", write: false, protection: "read-only", seed: 1 },
    );
    expect(report.monitor).toBeNull();
  });
});
