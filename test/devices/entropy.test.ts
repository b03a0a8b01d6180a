import { describe, expect, it } from "vitest";
import entropy from "../../src/devices/entropy.ts";
import { Random } from "../../src/wire/random.ts";
import { BUFFER_AT, hostRig, platform, RING_AT } from "../support/host-rig.ts";

async function rngRig(options: Parameters<typeof entropy.create>[0] = {}) {
  const rig = hostRig({ model: await entropy.create(options, platform), virtioId: entropy.virtioId });
  rig.driver.enable();
  const ring = rig.driver.setUpQueue(0, RING_AT);
  const serve = () => {
    rig.driver.kick(0);
    rig.pollAll();
    return ring.takeUsed();
  };
  return { ...rig, ring, serve };
}

describe("entropy device", () => {
  it("fills a buffer's writable parts from the platform and says how much", async () => {
    const { ring, driver, serve } = await rngRig();
    ring.offerChain(0, [
      { address: BUFFER_AT, length: 3, write: true },
      { address: BUFFER_AT + 100, length: 5, write: true },
    ]);
    expect(serve()).toEqual([{ id: 0, length: 8 }]);
    expect([...driver.get(BUFFER_AT, 4)]).toEqual([0xa5, 0xa5, 0xa5, 0]);
    expect([...driver.get(BUFFER_AT + 100, 6)]).toEqual([0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0]);
  });

  it("gives the same bytes again for the same seed", async () => {
    const { ring, driver, serve } = await rngRig({ source: "seeded", seed: 7 });
    ring.offerChain(0, [{ address: BUFFER_AT, length: 64, write: true }]);
    serve();
    const expected = new Uint8Array(64);
    new Random(7).fill(expected);
    expect(driver.get(BUFFER_AT, 64)).toEqual(expected);
  });

  it("fills 64 KiB of a larger buffer", async () => {
    const { ring, serve } = await rngRig();
    ring.offerChain(0, [{ address: BUFFER_AT, length: 0x2_0000, write: true }]);
    expect(serve()).toEqual([{ id: 0, length: 0x1_0000 }]);
  });

  it("reports a buffer with nothing to write to, returns it, and goes on", async () => {
    const { ring, serve, kinds } = await rngRig();
    ring.offerChain(0, [{ address: BUFFER_AT, length: 8 }]);
    ring.offerChain(1, [{ address: BUFFER_AT, length: 8, write: true }]);
    expect(serve()).toEqual([
      { id: 0, length: 0 },
      { id: 1, length: 8 },
    ]);
    expect(kinds()).toEqual(["request-format"]);
  });
});
