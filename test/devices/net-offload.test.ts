/** Offloads in software: what a card would have put on the wire. */
import { expect, test } from "vitest";
import type { Packet } from "../../src/devices/net/backend.ts";
import { headerProblem, packetsFor } from "../../src/devices/net/offload.ts";
import { featureMask } from "../../src/wire/features.ts";
import { checksum, checksumFold, findIp, getBe16, getBe32, pseudoHeaderSum } from "../../src/wire/inet.ts";
import { GSO, NET_FEATURE, NET_HEADER_FLAG, type NetHeader, PLAIN } from "../../src/wire/net.ts";
import { frameOf, ipFrame } from "../drivers/net-rig.ts";

const payload = Uint8Array.from({ length: 5000 }, (_, index) => index * 3);
const HOST_ALL = featureMask(
  NET_FEATURE.CSUM,
  NET_FEATURE.HOST_TSO4,
  NET_FEATURE.HOST_TSO6,
  NET_FEATURE.HOST_ECN,
  NET_FEATURE.HOST_UFO,
);

function packet(version: 4 | 6, protocol: 6 | 17, header: Partial<NetHeader> = {}): Packet {
  const csumStart = version === 4 ? 34 : 54;
  const csumOffset = protocol === 6 ? 16 : 6;
  const plain = { ...PLAIN, flags: NET_HEADER_FLAG.NEEDS_CSUM, csumStart, csumOffset, gsoSize: 1400 };
  return { frame: ipFrame(version, protocol, payload), header: { ...plain, ...header } };
}

/** 0 where a checksum that covers itself is right. */
function transportChecksum(frame: Uint8Array): number {
  const ip = findIp(frame);
  if (ip === undefined) throw new Error("no IP");
  const sum = pseudoHeaderSum(frame, ip, frame.length - ip.transport);
  const body = ~checksum(frame, ip.transport, frame.length) & 0xffff;
  return ~checksumFold(sum + body) & 0xffff;
}

test.each([4, 6] as const)("TCP over IPv%i is cut into segments that are right in themselves", (version) => {
  const gsoType = (version === 4 ? GSO.TCPV4 : GSO.TCPV6) | GSO.ECN;
  const original = packet(version, 6, { gsoType });
  const head = original.frame.length - payload.length;
  const transport = head - 20;
  // CWR with the others, as ECN segmentation has it.
  original.frame[transport + 13] = 0x99;
  const segments = (packetsFor(original, 0) ?? []).map(({ frame }) => frame);
  expect(segments.map(({ length }) => length - head)).toEqual([1400, 1400, 1400, 800]);
  expect(Buffer.concat(segments.map((segment) => segment.subarray(head)))).toEqual(Buffer.from(payload));
  expect(segments.map((segment) => getBe32(segment, transport + 4))).toEqual([1000, 2400, 3800, 5200]);
  // CWR in the first alone, FIN and PSH in the last alone, ACK everywhere.
  expect(segments.map((segment) => segment[transport + 13])).toEqual([0x90, 0x10, 0x10, 0x19]);
  expect(segments.map(transportChecksum)).toEqual([0, 0, 0, 0]);
  if (version === 6) {
    expect(segments.map((segment) => getBe16(segment, 18))).toEqual([1420, 1420, 1420, 820]);
    return;
  }
  expect(segments.map((segment) => checksum(segment, 14, 34))).toEqual([0, 0, 0, 0]);
  expect(segments.map((segment) => getBe16(segment, 16))).toEqual([1440, 1440, 1440, 840]);
  expect(segments.map((segment) => getBe16(segment, 18))).toEqual([0x77, 0x78, 0x79, 0x7a]);
});

test.each([4, 6] as const)("UDP over IPv%i becomes fragments of a datagram that is right", (version) => {
  const original = packet(version, 17, { gsoType: GSO.UDP, gsoSize: 1484 });
  const fragments = (packetsFor(original, 0) ?? []).map(({ frame }) => frame);
  const head = version === 4 ? 34 : 62;
  const datagram = Buffer.concat([
    original.frame.subarray(0, version === 4 ? 34 : 54),
    ...fragments.map((fragment) => fragment.subarray(head)),
  ]);
  expect(transportChecksum(datagram)).toBe(0);
  expect(datagram.subarray(version === 4 ? 42 : 62)).toEqual(Buffer.from(payload));
  const offsets = fragments.map((fragment) => getBe16(fragment, version === 4 ? 20 : 56));
  // Offsets in units of 8 bytes (IPv6: in place), "more" on all but the last.
  const units = version === 4 ? [185, 370, 555] : [1480, 2960, 4440];
  const more = version === 4 ? 0x2000 : 1;
  expect(offsets).toEqual([more, (units[0] ?? 0) + more, (units[1] ?? 0) + more, units[2]]);
  if (version === 4) expect(fragments.map((fragment) => checksum(fragment, 14, 34))).toEqual([0, 0, 0, 0]);
  else expect(fragments.map((fragment) => fragment[20])).toEqual([44, 44, 44, 44]);
});

test("a checksum is completed for those who take plain frames, and left for those who do it themselves", () => {
  const original = packet(4, 17);
  const [done] = packetsFor(original, 0) ?? [];
  expect(transportChecksum(done?.frame ?? new Uint8Array(0))).toBe(0);
  expect(done?.header).toBe(PLAIN);
  expect(packetsFor(original, featureMask(NET_FEATURE.GUEST_CSUM))).toEqual([original]);
});

test("a packet goes whole to those who accepted its kind, and only to them", () => {
  const original = packet(4, 6, { gsoType: GSO.TCPV4 | GSO.ECN });
  const tso = featureMask(NET_FEATURE.GUEST_CSUM, NET_FEATURE.GUEST_TSO4);
  expect(packetsFor(original, tso)?.length).toBe(4);
  expect(packetsFor(original, tso | featureMask(NET_FEATURE.GUEST_ECN))).toEqual([original]);
});

test("what is not the packet that its header says cannot be cut", () => {
  const header = { ...PLAIN, gsoType: GSO.TCPV4, gsoSize: 100 };
  expect(packetsFor({ frame: frameOf(1000), header }, 0)).toBeUndefined();
  expect(packetsFor(packet(6, 6, { gsoType: GSO.TCPV4 }), 0)).toBeUndefined();
  expect(packetsFor(packet(4, 6, { gsoType: GSO.UDP }), 0)).toBeUndefined();
  expect(packetsFor({ frame: ipFrame(4, 6, payload).subarray(0, 40), header }, 0)).toBeUndefined();
});

test.each([
  [{ flags: 1 }, 0, "CSUM was not negotiated"],
  [{ flags: 1, csumStart: 50, csumOffset: 9 }, HOST_ALL, "checksum at 50 + 9"],
  [{ flags: 1, gsoType: GSO.TCPV4, gsoSize: 1 }, featureMask(NET_FEATURE.CSUM), "was not negotiated"],
  [{ flags: 1, gsoType: 2, gsoSize: 1 }, HOST_ALL, "type 2 is unknown"],
  [{ flags: 1, gsoType: GSO.TCPV4 }, HOST_ALL, "segments of 0 bytes"],
  [{ gsoType: GSO.TCPV4, gsoSize: 1 }, HOST_ALL, "without NEEDS_CSUM"],
  [
    { flags: 1, gsoType: GSO.TCPV4 | GSO.ECN, gsoSize: 1 },
    HOST_ALL & ~featureMask(NET_FEATURE.HOST_ECN),
    "ECN segmentation was not",
  ],
])("header %o is a breach with features %i", (header, features, problem) => {
  expect(headerProblem({ ...PLAIN, ...header }, 60, features)).toContain(problem);
});
