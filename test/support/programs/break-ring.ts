/** Scribbles over the rings: makes every descriptor point nowhere, then asks for entropy. */
import { rng } from "../../../src/drivers/index.ts";
import { defineGuest } from "../../../src/guest/define.ts";
import { DESCRIPTOR_BYTES } from "../../../src/wire/ring.ts";

export default defineGuest(async ({ virtio, pci, memory }) => {
  const entropy = virtio.find(rng);
  const device = pci.devices.find((each) => each.subsystemDevice === 4);
  const io = device?.bars.find((bar) => bar.kind === "io");
  if (io === undefined) throw new Error("no entropy device");
  const page = pci.bus.in(io.address + 8, 4) * 4096;
  const reading = entropy.read(16);
  reading.catch(() => undefined);
  for (let entry = 0; entry < 8; entry++) memory.write32(page + DESCRIPTOR_BYTES * entry + 4, 0xffff);
  // The first request is served already or breaks; the second one finds what was scribbled.
  entropy.read(16).catch(() => undefined);
  for (let entry = 0; entry < 8; entry++) memory.write32(page + DESCRIPTOR_BYTES * entry + 4, 0xffff);
  await new Promise((resolve) => setTimeout(resolve, 50));
});
