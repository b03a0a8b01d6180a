import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { LiveRaces, type LiveReport } from "../../src/hunt/races/live.ts";
import { orderingRows } from "../../src/hunt/races/orderings.ts";
import { runAcceptance } from "../../src/machine/acceptance.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { SiteLabel } from "../../src/wire/sites.ts";
import { cliHere } from "../support/cli.ts";

const SECONDS_MAX = 120_000;

/** The acceptance workload on a small disk, with every shared access of both threads watched. */
async function watch(plain: readonly SiteLabel[]): Promise<LiveReport> {
  const races = new LiveRaces(plain);
  await runAcceptance(
    { memory: "16M", pollMaxUs: 0 },
    { disk: undefined, diskSize: "64K", write: false, protection: "read-only", seed: 1 },
    () => {},
    (description) => Machine.start(races.watched(description)),
  );
  return races.finish();
}

describe("the race detector over a live machine", () => {
  test(
    "finds none in the code as it is",
    async () => {
      const { races, accesses, threads, justified } = await watch([]);
      expect(races).toEqual([]);
      // Whatever plain places two threads share, an ordering letter lies between them, and the list is no empty one.
      const rows = orderingRows(justified);
      expect(rows.filter(([, , letters = "?"]) => letters.includes("?"))).toEqual([]);
      expect(rows.map((row) => row.join(" | "))).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^driver: write descriptor \| device: read descriptor \| [A-L]/),
        ]),
      );
      expect(accesses).toBeGreaterThan(1000);
      expect([...threads].sort()).toEqual(["guest", "host"]);
    },
    SECONDS_MAX,
  );

  test(
    "finds an index that is stored plainly, and says where",
    async () => {
      const { races, lines } = await watch(["mailbox: publish request"]);
      expect(races.length).toBeGreaterThan(0);
      const text = lines.join("\n");
      expect(text).toMatch(
        /guest's plain write of 4 bytes .* at "mailbox: publish request".*\n +at .*mailbox\.ts:\d+/,
      );
      expect(text).toMatch(
        /host's atomic read of 4 bytes .* at "mailbox: read request index".*\n +at .*mailbox\.ts:\d+/,
      );
    },
    SECONDS_MAX,
  );

  test(
    "has its part of what a command prints as JSON",
    async () => {
      const guest = fileURLToPath(new URL("../machine/list-drivers.guest.ts", import.meta.url));
      const run = ["run", "--memory", "4M", "--device", "rng", "--guest", guest, "--detect-races", "--json"];
      const fine = await cliHere(...run);
      const { races, result } = JSON.parse(fine.stdout);
      expect({ code: fine.code, stderr: fine.stderr, result }).toEqual({
        ...{ code: 0, stderr: "", result: ["virtio_rng"] },
      });
      expect(races).toMatchObject({ found: [], accesses: expect.any(Number) });
      expect(races.threads.toSorted()).toEqual(["guest", "host"]);
      expect(races.orderings).toContainEqual({
        ...{ first: "mailbox: write request", second: "mailbox: read request" },
        letters: expect.stringMatching(/^[A-M]/),
      });
      const racy = await cliHere(...run, "--plain-site", "mailbox: publish request");
      expect(racy.code).toBe(1);
      expect(JSON.parse(racy.stdout).races.found[0]).toMatchObject({
        text: expect.stringContaining("guest's plain write of 4 bytes"),
        ...{ bytes: 4, mayTear: false, first: {}, second: {} },
      });
    },
    SECONDS_MAX,
  );

  test("is alone: a machine that a monitor watches is refused", async () => {
    const races = new LiveRaces();
    expect(() => races.watched({ watch: { monitor: true } })).toThrow(/nothing else watches/);
    expect((await races.finish()).accesses).toBe(0);
  });
});
