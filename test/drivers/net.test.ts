/** The network driver against the real host and its network device. */
import { expect, test, vi } from "vitest";
import { loopBackend } from "../../src/devices/net/loop-backend.ts";
import { NET_FEATURE_GROUP } from "../../src/devices/net/model.ts";
import { net } from "../../src/drivers/net/net.ts";
import type { Nic } from "../../src/drivers/net/nic.ts";
import { featureMask, hasFeature, RING_FEATURES } from "../../src/wire/features.ts";
import { GSO, NET_FEATURE, NET_HEADER_FLAG, type NetHeader, PLAIN } from "../../src/wire/net.ts";
import { present } from "../life-cycle/rig.ts";
import { DirectMachine } from "../support/direct-machine.ts";
import { addNic, bootNic, FakeBackend, frameOf, ipFrame, type NicOptions } from "./net-rig.ts";

const { mergeable, segmentation, control, checksum } = NET_FEATURE_GROUP;

/** Frames from now on, as copies. */
function listen(nic: Nic): Uint8Array[] {
  const frames: Uint8Array[] = [];
  nic.onFrame((frame) => frames.push(frame.slice()));
  return frames;
}

test("probe reads the device's facts", () => {
  const { nic } = bootNic(loopBackend(), { mtu: 1400 });
  expect(nic.mac).toBe("52:54:00:12:34:56");
  expect(nic.mtu).toBe(1400);
  expect(nic.linkUp).toBe(true);
  expect(nic.queuePairsMax).toBe(1);
  expect(hasFeature(nic.features, NET_FEATURE.MRG_RXBUF)).toBe(true);
});

/** Every layout of receive buffers, with and without indirect descriptors and event index. */
const LAYOUTS: [string, NicOptions][] = [0, RING_FEATURES].flatMap((transportFeatures) => [
  [`mergeable, ring features ${transportFeatures}`, { device: { transportFeatures } }],
  [
    `big, ring features ${transportFeatures}`,
    { without: mergeable, device: { transportFeatures }, machine: { ramBytes: 16 << 20 } },
  ],
  [
    `small, ring features ${transportFeatures}`,
    { without: mergeable | segmentation, device: { transportFeatures } },
  ],
]);

test.each(LAYOUTS)("every frame comes back in order and unchanged: %s", async (_name, options) => {
  const { machine, nic } = bootNic(loopBackend(), options);
  const received = listen(nic);
  const frames = Array.from({ length: 200 }, (_, index) => frameOf(1 + ((index * 37) % 1514), index));
  await machine.run(Promise.all(frames.map((frame) => nic.send(frame))));
  machine.settle();
  expect(received).toEqual(frames);
  expect(machine.violations).toEqual([]);
  expect(nic.outstanding).toBe(0);
});

test("a frame longer than a buffer spans several, and is seen whole", async () => {
  const { machine, nic, fn } = bootNic(loopBackend(), { device: { queueSize: 32 } });
  const received = listen(nic);
  const frames = [60_000, 4096 - 12, 4096 - 11, 65_550].map((length) => frameOf(length));
  await machine.run(Promise.all(frames.map((frame) => nic.send(frame))));
  machine.settle();
  expect(received).toEqual(frames);
  // 15 + 1 + 2 + 17 buffers.
  expect(fn.device.queueConfigs[0]?.counters.requests).toBe(35);
});

test.each([1, 2, 8, 16])("a ring of %i descriptors holds the longest frame", async (queueSize) => {
  const { machine, nic } = bootNic(loopBackend(), { without: control, device: { queueSize } });
  const received = listen(nic);
  await machine.run(nic.send(frameOf(65_550)));
  machine.settle();
  expect(received.map(({ length }) => length)).toEqual([65_550]);
});

test("rings of one descriptor work", async () => {
  const { machine, nic } = bootNic(loopBackend(), { without: control, device: { queueSize: 1 } });
  const received = listen(nic);
  for (const length of [60, 1500, 4000]) await machine.run(nic.send(frameOf(length)));
  machine.settle();
  expect(received.map(({ length }) => length)).toEqual([60, 1500, 4000]);
});

test("frames that come before anybody listens stay in the ring", async () => {
  const backend = new FakeBackend();
  const { machine, nic } = bootNic(backend);
  const delivered = Promise.all(
    Array.from({ length: 100 }, (_, i) => backend.port.deliver({ frame: frameOf(60, i), header: PLAIN })),
  );
  machine.settle();
  const received = listen(nic);
  await machine.run(delivered);
  machine.settle();
  expect(received).toEqual(Array.from({ length: 100 }, (_, i) => frameOf(60, i)));
  expect(nic.counters.rxUnclaimed).toBe(0);
});

test("an iterator gets copies, and one that falls behind holds the network back", async () => {
  const backend = new FakeBackend();
  const { machine, nic, model } = bootNic(backend);
  const frames = nic.frames();
  for (let i = 0; i < 400; i++) void backend.port.deliver({ frame: frameOf(60, i), header: PLAIN });
  machine.settle();
  // 256 are in the iterator's backlog, 16 in the ring.
  expect(model.describe().waiting).toBe(400 - 256 - 16);
  for (let i = 0; i < 400; i++) {
    const { value } = await machine.run(frames.next());
    expect(value).toEqual(frameOf(60, i));
  }
  await frames.return?.();
});

test("without listeners frames are counted", async () => {
  const { machine, nic } = bootNic(loopBackend());
  await machine.run(nic.send(frameOf(60)));
  machine.settle();
  expect(nic.counters).toMatchObject({ txFrames: 1, rxFrames: 1, rxUnclaimed: 1 });
});

test("a packet to be segmented comes back whole where both sides take it so", async () => {
  const { machine, nic } = bootNic(loopBackend());
  const headers: NetHeader[] = [];
  const lengths: number[] = [];
  nic.onFrame((frame, header) => {
    headers.push(header);
    lengths.push(frame.length);
  });
  const frame = ipFrame(4, 6, new Uint8Array(20_000).fill(3));
  await machine.run(nic.send(frame, { header: tso4 }));
  machine.settle();
  expect(lengths).toEqual([frame.length]);
  expect(headers[0]).toMatchObject({ gsoType: GSO.TCPV4, gsoSize: 1448, flags: 0 });
});

const tso4: NetHeader = {
  flags: NET_HEADER_FLAG.NEEDS_CSUM,
  gsoType: GSO.TCPV4,
  headerBytes: 54,
  gsoSize: 1448,
  csumStart: 34,
  csumOffset: 16,
};

test("link changes reach the driver, and its frames are dropped meanwhile", async () => {
  const backend = new FakeBackend();
  const { machine, nic, model } = bootNic(backend);
  const seen: boolean[] = [];
  nic.onLinkChange((up) => seen.push(up));
  model.setLink(false);
  machine.settle();
  await machine.run(nic.send(frameOf(60)));
  backend.port.setCarrier(false);
  model.setLink(true);
  machine.settle();
  backend.port.setCarrier(true);
  machine.settle();
  expect(seen).toEqual([false, true]);
  expect(backend.sent).toEqual([]);
  expect(model.describe().counters.dropped).toEqual({ "link down": 1 });
});

test("a link that goes down lets go of what waits for room, and of whoever it held back", async () => {
  const backend = new FakeBackend();
  const { machine, model } = bootNic(backend, { device: { queueSize: 4 } });
  const deliver = () => backend.port.deliver({ frame: frameOf(60), header: PLAIN });
  // The guest does not come to run: its buffers fill.
  const held = Array.from({ length: 10 }, deliver).filter((answer) => answer !== undefined);
  expect(held.length).toBeGreaterThan(0);
  expect(model.describe().waiting).toBe(held.length);
  model.setLink(false);
  await machine.run(Promise.all(held));
  expect(deliver()).toBeUndefined();
  expect(model.describe()).toMatchObject({ waiting: 0 });
  expect(model.describe().counters.dropped).toEqual({ "link down": held.length + 1 });
});

test("an announcement is acknowledged", async () => {
  const { machine, nic, model, fn } = bootNic(new FakeBackend());
  let asked = 0;
  nic.onAnnounce(() => asked++);
  model.setLink(false);
  model.setLink(true);
  machine.settle();
  expect(asked).toBe(1);
  expect(fn.device.config[6]).toBe(1);
  expect(nic.outstanding).toBe(0);
});

test("what the network brings while the device sleeps waits for it, or is lost as on a full ring", async () => {
  const backend = new FakeBackend();
  const { machine, nic, model, fn } = bootNic(backend);
  const received = listen(nic);
  const device = present(machine.guest.pci.devices.find(({ bdf }) => bdf.slot === fn.slot));
  machine.guest.pci.suspend(device);
  const delivered = backend.port.deliver({ frame: frameOf(100), header: PLAIN });
  expect(backend.port.offer({ frame: frameOf(60), header: PLAIN })).toBe(false);
  expect(fn.device.queueConfigs[0]?.counters.requests).toBe(0);
  machine.guest.pci.resume(device);
  await machine.run(Promise.resolve(delivered));
  machine.settle();
  expect(received).toEqual([frameOf(100)]);
  expect(model.describe().counters.dropped).toEqual({ "device asleep, or not to master the bus": 1 });
});

test("the address is set by command, or byte by byte without a control queue", async () => {
  for (const without of [0, control]) {
    const { machine, nic, fn } = bootNic(new FakeBackend(), { without });
    await machine.run(nic.setMac("02:01:02:03:04:05"));
    machine.settle();
    expect(nic.mac).toBe("02:01:02:03:04:05");
    expect([...fn.device.config.subarray(0, 6)]).toEqual([2, 1, 2, 3, 4, 5]);
    // The link status behind it is the device's.
    expect(fn.device.config[6]).toBe(1);
  }
});

test("commands that the device does not have are refused", async () => {
  const { machine, nic } = bootNic(new FakeBackend(), { without: control });
  await expect(machine.run(nic.setRxMode({ promiscuous: false }))).rejects.toThrow("no control queue");
  await expect(machine.run(nic.addVlan(5))).rejects.toThrow("no control queue");
  await expect(machine.run(nic.setQueuePairs(2))).rejects.toThrow("from 1 to 1, got 2");
  await expect(machine.run(nic.send(frameOf(60), { pair: 1 }))).rejects.toThrow("not in use");
});

test("a command that the device refuses says so", async () => {
  const { machine, nic } = bootNic(new FakeBackend());
  await expect(machine.run(nic.addVlan(4096))).rejects.toThrow("refused VLAN 4096");
  await machine.run(nic.addVlan(5));
});

test("another CPU's part sends nothing before the device has been told of its pairs", () => {
  const { machine } = bootNic(loopBackend(), { pairs: 2, machine: { ramBytes: 16 << 20 } });
  const [device] = machine.guest.virtio.devices;
  if (device === undefined) throw new Error("no device");
  const [, , receive, transmit] = device.transport.queues;
  if (receive === undefined || transmit === undefined) throw new Error("no second pair");
  vi.spyOn(device.transport, "findQueues").mockReturnValueOnce([receive, transmit]);
  const nic = net.probe({ ...device, partQueues: 2 });
  nic.send(frameOf(100)).catch(() => {});
  expect(transmit.inFlight).toBe(0);
  net.partStarted?.(nic);
  expect(transmit.inFlight).toBe(1);
});

test("a driver that is removed as its pairs are answered does not start the parts of the next one", async () => {
  const { machine, nic } = bootNic(loopBackend(), { pairs: 2, machine: { ramBytes: 16 << 20 } });
  const [device] = machine.guest.virtio.devices;
  if (device === undefined) throw new Error("no device");
  const start = vi.fn();
  Object.assign(device.transport, { startParts: start });
  const setPairs = nic.setQueuePairs.bind(nic);
  const answered = new Promise<void>((resolve) => {
    nic.setQueuePairs = async (pairs) => {
      await setPairs(pairs);
      // Somebody who was woken by the same interrupt.
      net.remove(device, nic);
      resolve();
    };
  });
  net.gaveAway?.(nic, [2, 3]);
  await machine.run(answered);
  await new Promise(setImmediate);
  expect(start).not.toHaveBeenCalled();
});

test("queue pairs: replies to a flow arrive on the pair that it was sent on", async () => {
  const backend = new FakeBackend();
  const { machine, nic, fn } = bootNic(backend, { pairs: 4, machine: { ramBytes: 16 << 20 } });
  expect(nic.queuePairsMax).toBe(4);
  await machine.run(nic.setQueuePairs(4));
  const received = listen(nic);
  for (const pair of [3, 1, 2]) {
    const ports = [5000 + pair, 80];
    await machine.run(nic.send(ipFrame(4, 17, new Uint8Array(10), ports), { pair }));
    const before = fn.device.queueConfigs[2 * pair]?.counters.requests ?? 0;
    const reply = ipFrame(4, 17, new Uint8Array(10), [...ports].reverse());
    await machine.run(Promise.resolve(backend.port.deliver({ frame: reply, header: PLAIN })));
    machine.settle();
    expect(fn.device.queueConfigs[2 * pair]?.counters.requests).toBe(before + 1);
  }
  expect(received.length).toBe(3);
});

test("for a driver without multiqueue the control queue is the third", async () => {
  const machine = new DirectMachine();
  addNic(machine, loopBackend(), { pairs: 2 });
  const withoutMq = { ...net, features: (net.features & ~featureMask(NET_FEATURE.MQ)) >>> 0 };
  machine.guest.boot([withoutMq]);
  const nic = machine.guest.virtio.find<Nic>(withoutMq);
  expect(nic.queuePairsMax).toBe(1);
  await machine.run(nic.addVlan(7));
  await machine.run(nic.send(frameOf(60)));
  expect(machine.violations).toEqual([]);
});

/** How every promise ended. */
const endings = (promises: readonly Promise<unknown>[]) =>
  Promise.allSettled(promises).then((all) =>
    all.map((result) => (result.status === "rejected" ? result.reason.name : "fulfilled")),
  );

test("removal cancels sends and commands once each, ends iterators and leaves nothing behind", async () => {
  const backend = new FakeBackend();
  backend.answer = () => new Promise(() => {});
  const { machine, nic } = bootNic(backend, { device: { queueSize: 4 } });
  const frames = nic.frames();
  const sends = endings(Array.from({ length: 10 }, (_, i) => nic.send(frameOf(60, i))));
  machine.settle();
  expect(nic.outstanding).toBe(10);
  machine.guest.virtio.unregisterDriver(net);
  expect(await sends).toEqual(Array.from({ length: 10 }, () => "CancelledError"));
  expect((await frames.next()).done).toBe(true);
  await expect(nic.send(frameOf(60))).rejects.toThrow("removed");
  await expect(nic.addVlan(1)).rejects.toThrow("removed");
  expect(machine.footprint()).toMatchObject({ allocatedBytes: 0, handlers: 0 });
});

test("after rebinding everything works again", async () => {
  const { machine, nic } = bootNic(loopBackend());
  await machine.run(nic.setRxMode({ promiscuous: false, noUnicast: true }));
  machine.guest.virtio.unregisterDriver(net);
  machine.guest.virtio.registerDriver(net);
  const again = machine.guest.virtio.find(net);
  const received = listen(again);
  await machine.run(again.send(frameOf(100)));
  machine.settle();
  expect(received).toEqual([frameOf(100)]);
});

test("a frame in more buffers than there are breaks the interface, and says why", async () => {
  const { machine, nic, fn } = bootNic(new FakeBackend());
  nic.onFrame(() => {});
  machine.settle();
  const queue = fn.device.queues[0];
  const chain = queue?.pop();
  if (queue === undefined || chain === undefined) throw new Error("no receive buffer");
  const header = new Uint8Array(12);
  header[10] = 3;
  chain.write(0, header);
  queue.push(chain, 60);
  queue.flush();
  machine.settle();
  await expect(nic.send(frameOf(60))).rejects.toThrow("1 buffers of a frame of 3");
});

test("steady state allocates no guest memory", async () => {
  const { machine, nic } = bootNic(loopBackend());
  listen(nic);
  const round = () => machine.run(Promise.all([0, 1, 2, 3].map((seed) => nic.send(frameOf(1000, seed)))));
  await round();
  const before = machine.guest.memory.allocatedBytes;
  for (let rounds = 0; rounds < 20; rounds++) await round();
  expect(machine.guest.memory.allocatedBytes).toBe(before);
});

test("failing to find memory, the driver leaves nothing behind", () => {
  const { machine } = bootNic(loopBackend());
  machine.guest.virtio.unregisterDriver(net);
  const { memory } = machine.guest;
  memory.allocatePages(memory.freeBytes - 8192 * 3);
  const before = machine.footprint();
  machine.guest.virtio.registerDriver(net);
  expect(machine.guest.virtio.findAll(net)).toEqual([]);
  expect(machine.log.join()).toContain("ENOMEM");
  expect(machine.footprint()).toEqual(before);
});

test("without checksum offload no segmentation is offered either", () => {
  const { nic } = bootNic(loopBackend(), { without: checksum });
  expect(hasFeature(nic.features, NET_FEATURE.HOST_TSO4)).toBe(false);
  expect(hasFeature(nic.features, NET_FEATURE.GUEST_TSO4)).toBe(false);
});
