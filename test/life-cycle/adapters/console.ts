/** The console in its row: what is written comes back as an echo, in order. */
import { randomBytes } from "node:crypto";
import { console as driver } from "../../../src/drivers/index.ts";
import { VIRTIO_TYPE } from "../../../src/wire/virtio-ids.ts";
import { type Adapter, assertEqual } from "../adapter.ts";

const BYTES = 20_000;
const WRITES = 128;
const WRITE_BYTES = 256;

export const console: Adapter = {
  name: "console",
  device: { type: "console", options: { backend: "memory", echo: true } },
  virtioId: VIRTIO_TYPE.console.id,
  neighbour: "rng",
  async traffic({ virtio }) {
    const port = await virtio.find(driver).port();
    // Echoes of bursts may be in front of it: random bytes are found where they begin.
    const sent = randomBytes(BYTES);
    await port.write(sent);
    let found = Buffer.alloc(0);
    let begin = -1;
    while (begin < 0 || found.length < begin + BYTES) {
      const part = await port.read();
      if (part === undefined) throw new Error("the port ended");
      found = Buffer.concat([found, part]);
      begin = found.indexOf(sent.subarray(0, 16));
    }
    assertEqual(found.subarray(begin), sent, "echo");
  },
  burst({ virtio }) {
    const [port] = virtio.find(driver).ports;
    if (port === undefined) throw new Error("the console has no port");
    return Array.from({ length: WRITES }, () => port.write(new Uint8Array(WRITE_BYTES)));
  },
};
