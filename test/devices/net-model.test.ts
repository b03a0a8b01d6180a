/** The network device: room, filters, link, breaches, back-ends. The driver is the real one unless it must misbehave. */
import { expect, test } from "vitest";
import { hubBackend } from "../../src/devices/net/hub-backend.ts";
import { loopBackend } from "../../src/devices/net/loop-backend.ts";
import { NET_FEATURE_GROUP, NetModel } from "../../src/devices/net/model.ts";
import { Responder } from "../../src/devices/net/responder.ts";
import { net } from "../../src/drivers/net/net.ts";
import { ping } from "../../src/drivers/net/ping.ts";
import { allocateShared } from "../../src/memory/attach.ts";
import { FEATURE, featureMask, RING_FEATURES } from "../../src/wire/features.ts";
import { LEGACY } from "../../src/wire/legacy-registers.ts";
import { GSO, NET_FEATURE, NET_HEADER_FLAG, type NetHeader, PLAIN } from "../../src/wire/net.ts";
import { addNic, bootNic, FakeBackend, frameOf, ipFrame, MAC } from "../drivers/net-rig.ts";
import { DirectMachine } from "../support/direct-machine.ts";
import { BUFFER_AT, hostRig, platform, RAM_BYTES, RING_AT } from "../support/host-rig.ts";
import { InjectingMemory } from "../support/injecting-memory.ts";

const BROADCAST = new Uint8Array(6).fill(0xff);
const MULTICAST = Uint8Array.of(1, 0, 0x5e, 0, 0, 1);
const OTHER = Uint8Array.of(2, 0, 0, 0, 0, 7);
const plain = (frame: Uint8Array) => ({ frame, header: PLAIN });

/** Receive buffers under the test's control: the fake driver offers them one by one. */
function receiveRig(features: number, memory?: InjectingMemory) {
  const backend = new FakeBackend();
  const model = new NetModel(backend, { mac: MAC, pairs: 1 });
  const rig = hostRig({
    model,
    virtioId: 1,
    queueSize: 8,
    transportFeatures: RING_FEATURES,
    ...(memory && { memory }),
  });
  rig.driver.enable();
  rig.driver.write(LEGACY.status, 3);
  rig.driver.write(LEGACY.guestFeatures, features);
  const ring = rig.driver.setUpQueue(0, RING_AT);
  rig.driver.write(LEGACY.status, 7);
  /** Adds a buffer at descriptor `index`, as a driver would: kicks only when the device wants it. */
  let added = 0;
  const add = (index: number, length: number) => {
    ring.offerChain(index, [{ address: BUFFER_AT + index * 4096, length, write: true }]);
    added++;
    const at = RING_AT - 0x10_0000 + ring.layout.availEvent;
    const eventIndex = (features & featureMask(FEATURE.EVENT_IDX)) !== 0;
    const wanted = eventIndex
      ? rig.ram.memory.load16(at, 0) === added - 1
      : (rig.ram.memory.load16(RING_AT - 0x10_0000 + ring.layout.usedFlags, 0) & 1) === 0;
    if (wanted) rig.driver.kick(0);
    rig.pollAll();
    return wanted;
  };
  return { ...rig, backend, model, ring, add };
}

test.each([0, featureMask(FEATURE.EVENT_IDX)])(
  "buffers that trickle in one by one suffice in the end, and each is asked for (ring features %i)",
  async (ringFeatures) => {
    const { backend, add, ring, driver } = receiveRig(featureMask(NET_FEATURE.MRG_RXBUF) | ringFeatures);
    const frame = frameOf(1000);
    add(0, 300);
    const delivered = backend.port.deliver(plain(frame));
    expect(delivered).toBeInstanceOf(Promise);
    // 1012 bytes in buffers of 300: the driver is asked for a kick with each, until the fourth is enough.
    expect([1, 2, 3].map((index) => add(index, 300))).toEqual([true, true, true]);
    await delivered;
    expect(ring.takeUsed()).toEqual([
      { id: 0, length: 300 },
      { id: 1, length: 300 },
      { id: 2, length: 300 },
      { id: 3, length: 112 },
    ]);
    const found = [0, 1, 2, 3].map((index) => driver.get(BUFFER_AT + index * 4096, 300));
    expect(found[0]?.subarray(10, 12)).toEqual(Uint8Array.of(4, 0));
    expect(Buffer.concat(found).subarray(12, 1012)).toEqual(Buffer.from(frame));
  },
);

test("a buffer added between the last look and the wish for a kick is found by the second look", async () => {
  const memory = new InjectingMemory(allocateShared(RAM_BYTES));
  const features = featureMask(NET_FEATURE.MRG_RXBUF, FEATURE.EVENT_IDX);
  const { backend, ring, driver } = receiveRig(features, memory);
  const offer = (index: number) => {
    ring.offerChain(index, [{ address: BUFFER_AT + index * 4096, length: 300, write: true }]);
  };
  offer(0);
  // One buffer of four; the others come in two steps inside the race, and none is kicked for.
  memory.inject("before", "device: write avail_event", () => offer(1));
  memory.inject("after", "device: write avail_event", () => [2, 3].map(offer), 1);
  await backend.port.deliver(plain(frameOf(1000)));
  expect(memory.waiting).toBe(0);
  expect(ring.takeUsed().length).toBe(4);
  expect(driver.get(BUFFER_AT, 300).subarray(10, 12)).toEqual(Uint8Array.of(4, 0));
});

test("a frame of several buffers is shown at once", () => {
  const { backend, add, ring, host } = receiveRig(featureMask(NET_FEATURE.MRG_RXBUF));
  for (let index = 0; index < 4; index++) add(index, 100);
  expect(ring.usedIndex).toBe(0);
  backend.port.offer(plain(frameOf(350)));
  expect(ring.usedIndex).toBe(4);
  expect(host.violations.size).toBe(0);
});

test("what no buffers of this ring can hold is dropped and counted; the buffers serve the next frame", () => {
  const { backend, model, add, ring } = receiveRig(featureMask(NET_FEATURE.MRG_RXBUF));
  for (let index = 0; index < 8; index++) add(index, 100);
  expect(backend.port.offer(plain(frameOf(2000)))).toBe(true);
  backend.port.offer(plain(frameOf(700)));
  expect(ring.takeUsed().length).toBe(8);
  expect(model.describe().counters).toMatchObject({
    rxFrames: 1,
    dropped: { "longer than the receive buffers": 1 },
  });
});

test("without mergeable buffers a frame has one buffer, or is dropped", () => {
  const { backend, model, add, ring, driver } = receiveRig(0);
  add(0, 110);
  add(1, 110);
  backend.port.offer(plain(frameOf(101)));
  backend.port.offer(plain(frameOf(100)));
  expect(ring.takeUsed()).toEqual([{ id: 0, length: 110 }]);
  expect(driver.get(BUFFER_AT, 110).subarray(10)).toEqual(frameOf(100));
  expect(model.describe().counters.dropped).toEqual({ "longer than the receive buffers": 1 });
});

test("a receive buffer too short for the header is a breach, and goes back", () => {
  const { backend, add, ring, kinds } = receiveRig(0);
  add(0, 9);
  add(1, 1600);
  backend.port.offer(plain(frameOf(60)));
  expect(kinds()).toEqual(["request-format"]);
  expect(ring.takeUsed()).toEqual([
    { id: 0, length: 0 },
    { id: 1, length: 70 },
  ]);
});

test("what is offered without room is dropped and counted; what is delivered waits, also for the driver", async () => {
  const backend = new FakeBackend();
  const machine = new DirectMachine();
  const { model } = addNic(machine, backend, {});
  expect(backend.port.offer(plain(frameOf(60)))).toBe(false);
  const delivered = backend.port.deliver(plain(frameOf(60)));
  expect(model.describe()).toMatchObject({ waiting: 1, counters: { dropped: { "driver not ready": 1 } } });
  machine.guest.boot([net]);
  await machine.run(Promise.resolve(delivered));
  expect(model.describe()).toMatchObject({ waiting: 0, counters: { rxFrames: 1 } });
  expect(backend.starts).toBe(1);
});

test("a device that is pulled out lets nobody wait", async () => {
  const { machine, model, fn } = bootNic(new FakeBackend());
  const backend = new FakeBackend();
  const other = addNic(machine, backend, { device: { slot: 5 } });
  const waits = backend.port.deliver(plain(frameOf(60)));
  await machine.host.removeDevice(other.fn);
  await waits;
  expect(backend.closed).toBe(true);
  expect(other.model.describe().counters.dropped).toEqual({ "device gone": 1 });
  await machine.host.removeDevice(fn);
  expect(model.describe().counters.dropped).toEqual({});
});

test("a back-end that answers later holds the next frame back, across a reset too", async () => {
  const backend = new FakeBackend();
  let release: () => void = () => {};
  backend.answer = () => new Promise((resolve) => (release = resolve));
  const { machine, nic } = bootNic(backend);
  const sends = [0, 1, 2].map((seed) => nic.send(frameOf(60, seed)).catch((error: Error) => error.name));
  machine.settle();
  expect(backend.sent.length).toBe(1);
  expect(machine.host.work.outstanding).toBe(1);
  machine.guest.virtio.unregisterDriver(net);
  machine.guest.virtio.registerDriver(net);
  const again = machine.guest.virtio.find(net).send(frameOf(60, 9));
  machine.settle();
  expect(backend.sent.length).toBe(1);
  backend.answer = () => {};
  release();
  await machine.run(again);
  expect(await Promise.all(sends)).toEqual(["CancelledError", "CancelledError", "CancelledError"]);
  expect(backend.sent.map(({ frame }) => frame)).toEqual([frameOf(60, 0), frameOf(60, 9)]);
  expect(machine.host.work.outstanding).toBe(0);
});

test("a back-end that fails loses the frame, not the device", async () => {
  const backend = new FakeBackend();
  backend.answer = () => Promise.reject(new Error("cable cut"));
  const { machine, nic, model } = bootNic(backend);
  await machine.run(nic.send(frameOf(60)));
  backend.answer = () => {};
  await machine.run(nic.send(frameOf(60)));
  expect(model.describe().counters).toMatchObject({ txFrames: 2, dropped: { "back-end error": 1 } });
});

test("filters: modes, addresses and VLANs are those that the driver set", async () => {
  const backend = new FakeBackend();
  const { machine, nic, model } = bootNic(backend);
  const received: number[] = [];
  nic.onFrame((frame) => received.push(frame[5] ?? 0));
  const tagged = frameOf(60);
  tagged.set([0x81, 0, 0, 5], 12);
  const arriving = () => {
    received.length = 0;
    const frames = [frameOf(60), frameOf(60, 0, OTHER), frameOf(60, 0, MULTICAST), frameOf(60, 0, BROADCAST)];
    return [...frames, tagged].map((frame) => {
      backend.port.offer(plain(frame));
      machine.settle();
      return received.splice(0).length === 1;
    });
  };
  const set = (...args: Parameters<typeof nic.setRxMode>) => machine.run(nic.setRxMode(...args));
  //                           own   other  multi  broad  VLAN 5
  expect(arriving()).toEqual([true, true, true, true, true]);
  await set({ promiscuous: false });
  expect(arriving()).toEqual([true, false, false, true, false]);
  await machine.run(nic.addVlan(5));
  await set({ allMulticast: true });
  expect(arriving()).toEqual([true, false, true, true, true]);
  await set({ allMulticast: false, unicast: ["02:00:00:00:00:07"], multicast: ["01:00:5e:00:00:01"] });
  expect(arriving()).toEqual([true, true, true, true, true]);
  await machine.run(nic.removeVlan(5));
  await set({ noMulticast: true, noBroadcast: true });
  expect(arriving()).toEqual([true, true, false, false, false]);
  await set({ noUnicast: true });
  expect(arriving()).toEqual([false, false, false, false, false]);
  await set({ noUnicast: false, allUnicast: true, unicast: [] });
  expect(arriving()).toEqual([true, true, false, false, false]);
  expect(model.describe().counters.rxFiltered).toBeGreaterThan(0);
  machine.guest.virtio.unregisterDriver(net);
  expect(model.describe().filter).toMatchObject({
    promiscuous: true,
    noUnicast: false,
    unicast: 0,
    vlans: 0,
  });
});

test("a MAC table longer than the device's becomes all of them", async () => {
  const backend = new FakeBackend();
  const { machine, nic, model } = bootNic(backend);
  const many = Array.from({ length: 65 }, (_, i) => `02:00:00:00:01:${i.toString(16)}`);
  await machine.run(nic.setRxMode({ promiscuous: false, unicast: many }));
  backend.port.offer(plain(frameOf(60, 0, OTHER)));
  expect(model.describe().counters.rxFrames).toBe(1);
});

test("frames over the MTU are dropped and counted, both ways", async () => {
  const backend = new FakeBackend();
  const { machine, nic, model } = bootNic(backend, { mtu: 1000 });
  await machine.run(nic.send(frameOf(1019)));
  await machine.run(nic.send(frameOf(1018)));
  backend.port.offer(plain(frameOf(1019)));
  backend.port.offer(plain(frameOf(1018)));
  backend.port.offer(plain(new Uint8Array(0)));
  expect(backend.sent.length).toBe(1);
  expect(model.describe().counters).toMatchObject({
    rxFrames: 1,
    dropped: { "frame over the MTU": 2, "empty frame": 1 },
  });
});

test("a back-end of plain frames gets plain frames: checksums done, packets in segments", async () => {
  const backend = new FakeBackend();
  const { machine, nic, model } = bootNic(backend, { mtu: 1500 });
  const header: NetHeader = {
    flags: NET_HEADER_FLAG.NEEDS_CSUM,
    gsoType: GSO.TCPV4,
    headerBytes: 54,
    gsoSize: 1000,
    csumStart: 34,
    csumOffset: 16,
  };
  await machine.run(nic.send(ipFrame(4, 6, new Uint8Array(10_000)), { header }));
  expect(backend.sent.map(({ frame }) => frame.length)).toEqual(Array.from({ length: 10 }, () => 1054));
  expect(backend.sent.every((packet) => packet.header === PLAIN)).toBe(true);
  expect(model.describe().counters.txOffloaded).toBe(1);
});

test("headers that were not negotiated, or lie, are breaches; the frame is dropped, the buffer returned", async () => {
  const backend = new FakeBackend();
  const { machine, nic } = bootNic(backend, { without: NET_FEATURE_GROUP.segmentation });
  const header = { ...PLAIN, flags: NET_HEADER_FLAG.NEEDS_CSUM, csumStart: 70 };
  await machine.run(nic.send(frameOf(60), { header }));
  await machine.run(
    nic.send(frameOf(60), { header: { ...header, csumStart: 20, gsoType: GSO.TCPV4, gsoSize: 9 } }),
  );
  expect(machine.violations).toEqual([
    "request-format: checksum at 70 + 0 of a frame of 60 bytes",
    "request-format: segmentation type 1 was not negotiated",
  ]);
  expect(backend.sent).toEqual([]);
});

test("the devices on a hub hear one another, on another hub and on another machine nobody", async () => {
  const machine = new DirectMachine();
  const place = { ...platform };
  const elsewhere = hubBackend("a", { ...platform });
  const far = new FakeBackend();
  elsewhere.attach(far as never);
  ["a", "a", "b", "a"].forEach((name, i) => {
    addNic(machine, hubBackend(name, place), { device: { slot: 4 + i } });
  });
  machine.guest.boot([net]);
  const nics = machine.guest.virtio.findAll(net);
  const heard = nics.map((nic) => {
    const frames: number[] = [];
    nic.onFrame((frame) => frames.push(frame[20] ?? 0));
    return frames;
  });
  await machine.run(Promise.all([0, 1, 2].map((i) => nics[i]?.send(frameOf(60, i)))));
  machine.settle();
  const mark = (seed: number) => (20 * 7 + seed) & 0xff;
  expect(heard).toEqual([[mark(1)], [mark(0)], [], [mark(0), mark(1)]]);
});

test("the responder answers ARP and ping, and only those for it", async () => {
  const { machine, nic } = bootNic(loopBackend(new Responder("10.0.2.2")));
  const replies = await machine.run(ping(nic, { from: "10.0.2.15", to: "10.0.2.2", count: 3 }));
  expect(replies.map(({ milliseconds }) => typeof milliseconds)).toEqual(["number", "number", "number"]);
  const silence = ping(nic, { from: "10.0.2.15", to: "10.0.2.3", timeoutMs: 20 });
  await expect(machine.run(silence)).rejects.toThrow("nobody answers for 10.0.2.3");
});
