/** Requests that are refused. Those that find no guest memory are refused by name, and good again when there is some. */
import { describe, expect, test } from "vitest";
import { devices } from "../../src/devices/index.ts";
import { refusal } from "../../src/drivers/errors.ts";
import type { Console, Disk, Entropy, Nic } from "../../src/drivers/index.ts";
import { drivers } from "../../src/drivers/index.ts";
import type { Descriptor } from "../../src/guest/virtqueue/descriptor.ts";
import { DriverQueue } from "../../src/guest/virtqueue/driver-queue.ts";
import { checkOptions } from "../../src/machine/devices.ts";
import { QueueCounters } from "../../src/observe/record/counters.ts";
import { RING_FEATURES } from "../../src/wire/features.ts";
import { DirectMachine } from "../support/direct-machine.ts";
import { queuePair, RING_OFFSET } from "../virtqueue/queue-pair.ts";

const platform = { now: () => 0, randomFill: (bytes: Uint8Array) => bytes.fill(1), after: () => () => {} };

const REQUESTS: Readonly<Record<string, (data: never) => Promise<unknown>>> = {
  blk: (disk: Disk) => disk.read(0, 1),
  rng: (entropy: Entropy) => entropy.read(8),
  net: (nic: Nic) => nic.send(new Uint8Array(60)),
  "net control": (nic: Nic) => nic.setRxMode({ promiscuous: true }),
  console: (console: Console) => console.port(0).then((port) => port.write(new Uint8Array(8))),
};

/** It forgets the descriptors of what came back. */
class LeakyQueue extends DriverQueue<number> {
  protected override release(head: Descriptor): number | undefined {
    const token = super.release(head);
    this.freeCount--;
    return token;
  }
}

test("a queue that has lost descriptors does not pass for one without memory", () => {
  const { device, buffers, ram, layout, tables } = queuePair({ size: 4 });
  const place = { index: 0, name: "leaky", ram, ringOffset: RING_OFFSET, layout, tables };
  const driver = new LeakyQueue({
    ...place,
    indirect: false,
    eventIndex: false,
    hasCallback: true,
    counters: new QueueCounters(),
    notify: () => {},
  });
  for (let round = 0; round < 4; round++) {
    expect(driver.addInbuf(buffers, 8, round)).toBe(true);
    driver.publish();
    device.serve((chain) => device.push(chain, 0));
    expect(driver.get()).toBe(round);
  }
  expect([driver.addInbuf(buffers, 8, 4), driver.inFlight]).toEqual([false, 0]);
  expect(refusal(driver, "no memory")).toMatchObject({
    name: "Error",
    message: "0 of 4 descriptors are free with nothing in flight: the others are lost",
  });
});

describe.each(Object.keys(REQUESTS))("a request of %s", (what) => {
  const [name = ""] = what.split(" ");
  const request = REQUESTS[what] as (data: never) => Promise<unknown>;

  test.each([0, RING_FEATURES])("without memory is refused as such (ring features %i)", async (features) => {
    const definition = devices[name];
    const driver = drivers.find(({ deviceId }) => deviceId === definition?.virtioId);
    if (definition === undefined || driver === undefined) throw new Error(`no ${name}`);
    const machine = new DirectMachine();
    const options = checkOptions(definition, name === "blk" ? { size: "64K" } : {});
    const model = await definition.create(options, platform);
    const { virtioId } = definition;
    machine.add({ name, virtioId, model, msixVectors: model.queues.length + 1, transportFeatures: features });
    machine.guest.boot([driver]);
    machine.settle();
    const { memory, virtio } = machine.guest;
    const data = virtio.find(driver) as never;
    const before = memory.allocatedBytes;
    const taken: [address: number, bytes: number][] = [];
    for (let bytes = memory.freeBytes; bytes >= 1; bytes = Math.floor(bytes / 2)) {
      for (let address = memory.allocate(bytes); address !== undefined; address = memory.allocate(bytes))
        taken.push([address, bytes]);
    }
    await expect(machine.run(request(data))).rejects.toMatchObject({ name: "OutOfMemoryError" });
    for (const [address, bytes] of taken) memory.free(address, bytes);
    expect(memory.allocatedBytes).toBe(before);
    await machine.run(request(data));
  });
});
