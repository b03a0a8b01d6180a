/** The network card in its row: frames to itself through the loop, in order and unchanged. */
import { net as driver } from "../../../src/drivers/index.ts";
import { VIRTIO_TYPE } from "../../../src/wire/virtio-ids.ts";
import { type Adapter, assertEqual } from "../adapter.ts";

const FRAMES = 64;
const FRAME_BYTES = 1400;
const HEADER_BYTES = 14;
/** An ethertype for experiments: traffic's frames, and those of bursts, which nobody waits for. */
const TRAFFIC = 0xb5;
const BURST = 0xb6;

const macBytes = (mac: string) => Uint8Array.from(mac.split(":"), (byte) => Number.parseInt(byte, 16));

function frame(mac: string, type: number, number: number): Uint8Array {
  const bytes = Uint8Array.from({ length: FRAME_BYTES }, (_, index) => index * 5 + number);
  bytes.set(macBytes(mac), 0);
  bytes.set(macBytes(mac), 6);
  bytes.set([0x88, type], HEADER_BYTES - 2);
  return bytes;
}

export const net: Adapter = {
  name: "net",
  device: { type: "net", options: { backend: "loop" } },
  virtioId: VIRTIO_TYPE.net.id,
  neighbour: "rng",
  async traffic({ virtio }) {
    const nic = virtio.find(driver);
    const sent = Array.from({ length: FRAMES }, (_, number) => frame(nic.mac, TRAFFIC, number));
    const found: Uint8Array[] = [];
    let stop = () => {};
    const arrived = new Promise<void>((resolve) => {
      stop = nic.onFrame((bytes) => {
        if (bytes[HEADER_BYTES - 1] !== TRAFFIC) return;
        found.push(Uint8Array.from(bytes));
        if (found.length === FRAMES) resolve();
      });
    });
    await Promise.all(sent.map((bytes) => nic.send(bytes)));
    await arrived;
    stop();
    for (const [number, bytes] of found.entries())
      assertEqual(bytes, sent[number] ?? bytes, `frame ${number}`);
  },
  burst({ virtio }) {
    const nic = virtio.find(driver);
    return Array.from({ length: 4 * FRAMES }, (_, number) => nic.send(frame(nic.mac, BURST, number)));
  },
};
