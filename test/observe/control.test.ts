/** The control socket of a machine, from both ends. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ControlClient, MachineGoneError } from "../../src/cli/control-client.ts";
import { type Controlled, ControlServer } from "../../src/machine/control-server.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { Snapshot } from "../../src/machine/snapshot.ts";

const folder = mkdtempSync(join(tmpdir(), "virtlab-control-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);
const MACHINE_MS = 30_000;

const nobody: Controlled = {
  snapshot: () => {
    throw new Error("nothing to see");
  },
  counters: async () => [],
};

describe("a control socket", () => {
  it(
    "shows a machine's queues",
    async () => {
      const machine = await Machine.start({ devices: [{ type: "rng" }] });
      const server = await ControlServer.start(path("machine"), machine.controlled);
      const client = await ControlClient.connect(path("machine"));
      const snapshot = await client.ask<Snapshot>("snapshot");
      expect(snapshot.functions).toMatchObject([
        {
          name: "00:04.0 rng",
          status: "ACKNOWLEDGE|DRIVER|DRIVER_OK",
          queues: [{ index: 0, size: 256, inFlight: 0, wrong: [] }],
        },
      ]);
      expect(await client.ask("counters")).toMatchObject([{ device: "virtio0", name: "input", requests: 0 }]);
      client.close();
      await server.close();
      await machine.stop();
    },
    MACHINE_MS,
  );

  it("refuses a path where something is already, and leaves it there", async () => {
    writeFileSync(path("taken"), "mine");
    await expect(ControlServer.start(path("taken"), nobody)).rejects.toThrow(/is there already/);
  });

  it("refuses a path where nothing can be", async () => {
    await expect(ControlServer.start(path("none/socket"), nobody)).rejects.toThrow(
      `--control ${path("none/socket")}: there is no folder ${path("none")}`,
    );
    // The system would cut it off, and the socket would be another.
    const long = path("x".repeat(120));
    await expect(ControlServer.start(long, nobody)).rejects.toThrow(/bytes at most/);
    expect(() => ControlClient.connect(long)).toThrow(/bytes at most/);
  });

  it("answers what it does not understand with an error, and goes on", async () => {
    const server = await ControlServer.start(path("errors"), nobody);
    const client = await ControlClient.connect(path("errors"));
    await expect(client.ask("snapshot")).rejects.toThrow("nothing to see");
    expect(await client.ask("counters")).toEqual([]);
    client.close();
    await server.close();
  });

  it("outlives a client that goes away in the middle", async () => {
    const server = await ControlServer.start(path("away"), nobody);
    const rude = createConnection(path("away"));
    await new Promise<void>((resolve) => rude.write('{"ask":"cou', () => resolve()));
    rude.destroy();
    const client = await ControlClient.connect(path("away"));
    expect(await client.ask("counters")).toEqual([]);
    client.close();
    await server.close();
  });

  it("that is none is said to be none", async () => {
    writeFileSync(path("file"), "");
    for (const name of ["file", "."]) {
      await expect(ControlClient.connect(path(name))).rejects.toThrow(`${path(name)}: is no socket`);
    }
  });

  it("that is gone is said to be gone", async () => {
    await expect(ControlClient.connect(path("never"))).rejects.toThrow(/there is no control socket/);
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(path("ends"), resolve));
    const client = await ControlClient.connect(path("ends"));
    await expect(client.ask("counters")).rejects.toThrow(MachineGoneError);
    server.close();
  });
});
