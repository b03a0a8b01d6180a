/** What a console must do behind our driver, whoever made it; its other end is a socket. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { console as consoleDriver } from "../../src/drivers/index.ts";
import { caseName, type RingCase } from "./matrix.ts";
import type { CreateRig, Rig } from "./rig.ts";

const BYTES = 256 * 1024;
/** QEMU's console drops what its back end does not take at once: no more than a socket holds goes out together. */
const PIECE = 16 * 1024;
/** Two ports make six queues; each has its own vector, and configuration one. */
const VECTORS = 7;

const pattern = (salt: number): Buffer =>
  Buffer.from(Uint8Array.from({ length: BYTES }, (_, i) => (i >>> 8) + i + salt));
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export function acceptConsole(create: CreateRig, ring: RingCase): void {
  describe(`console (${caseName(ring)})`, () => {
    let folder = "";
    let rig: Rig;
    let peer: Socket;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "virtlab-console-"));
      const listen = join(folder, "tty");
      const options = { ports: 1, "max-ports": 2, listen };
      rig = await create({ devices: [{ type: "console", vectors: VECTORS, options }], ...ring });
      peer = createConnection(listen);
      rig.guest.boot([consoleDriver]);
      await rig.until("the peer", () => !peer.connecting);
    });
    afterAll(async () => {
      peer?.destroy();
      await rig?.close();
      rmSync(folder, { recursive: true, force: true });
    });
    const port = () => rig.run(rig.guest.virtio.find(consoleDriver).port(0));

    it("binds as asked, and a port comes up", async () => {
      expect(rig.guest.virtio.describe()[0]).toMatchObject({ driver: consoleDriver.name, ...ring });
      const first = await port();
      await rig.until("it to be a console", () => first.isConsole);
    });

    it("carries the guest's output out, every byte in order", async () => {
      const heard: Buffer[] = [];
      const listener = (chunk: Buffer) => heard.push(chunk);
      peer.on("data", listener);
      const open = await port();
      open.open();
      const sent = pattern(1);
      for (let end = PIECE; end <= BYTES; end += PIECE) {
        await rig.run(open.write(sent.subarray(end - PIECE, end)));
        await rig.until("the output", () => heard.reduce((sum, { length }) => sum + length, 0) >= end);
      }
      peer.off("data", listener);
      expect(sha256(Buffer.concat(heard))).toBe(sha256(sent));
    });

    it("carries input in, every byte in order", async () => {
      const open = await port();
      const sent = pattern(2);
      peer.write(sent);
      const heard: Uint8Array[] = [];
      for (let bytes = 0; bytes < BYTES; ) {
        const chunk = await rig.run(open.read());
        if (chunk === undefined) break;
        heard.push(chunk);
        bytes += chunk.length;
      }
      expect(sha256(Buffer.concat(heard))).toBe(sha256(sent));
    });

    it("is left and taken again, and still talks", async () => {
      const { guest } = rig;
      guest.virtio.unregisterDriver(consoleDriver);
      expect(guest.memory.allocatedBytes).toBe(0);
      guest.virtio.registerDriver(consoleDriver);
      const open = await port();
      open.open();
      const heard = new Promise<string>((resolve) => peer.once("data", (chunk) => resolve(chunk.toString())));
      await rig.run(open.write("again"));
      expect(await rig.run(heard)).toBe("again");
    });
  });
}
