/**
 * Segmentation in software: a TCP packet longer than the wire takes becomes segments with headers of their own, a
 * UDP datagram becomes IP fragments. What comes out is what a network card would have put on the wire.
 */
import {
  checksumFold,
  completeChecksum,
  findIp,
  finishIpHeader,
  getBe16,
  getBe32,
  IP_PROTOCOL,
  type IpPacket,
  pseudoHeaderSum,
  putBe16,
  putBe32,
} from "../../wire/inet.ts";
import { GSO } from "../../wire/net.ts";
import type { Packet } from "./backend.ts";

const TCP = { sequence: 4, dataOffset: 12, flags: 13, checksum: 16, headerBytesMin: 20 } as const;
const TCP_FLAG = { FIN: 0x01, PSH: 0x08, CWR: 0x80 } as const;
const UDP_CHECKSUM = 6;
const IPV4 = { id: 4, fragment: 6 } as const;
const MORE_FRAGMENTS = 0x2000;
const IPV6_NEXT_HEADER = 6;
const IPV6_FRAGMENT_HEADER_BYTES = 8;

/** Frames of `gsoSize` payload bytes each, the last one shorter; undefined if it is no TCP packet of that kind. */
export function segmentTcp({ frame, header }: Packet): Uint8Array[] | undefined {
  const packet = findIp(frame);
  const version = (header.gsoType & ~GSO.ECN) === GSO.TCPV4 ? 4 : 6;
  if (packet?.version !== version || packet.protocol !== IP_PROTOCOL.TCP) return undefined;
  const tcpBytes = 4 * ((frame[packet.transport + TCP.dataOffset] ?? 0) >>> 4);
  const headerBytes = packet.transport + tcpBytes;
  if (tcpBytes < TCP.headerBytesMin || headerBytes > frame.length) return undefined;
  const segments: Uint8Array[] = [];
  for (let from = headerBytes; from < frame.length || segments.length === 0; from += header.gsoSize) {
    const payload = frame.subarray(from, Math.min(from + header.gsoSize, frame.length));
    const segment = join(frame.subarray(0, headerBytes), payload);
    const last = from + header.gsoSize >= frame.length;
    finishTcp(segment, packet, { index: segments.length, offset: from - headerBytes, last });
    segments.push(segment);
  }
  return segments;
}

function finishTcp(
  segment: Uint8Array,
  packet: IpPacket,
  { index, offset, last }: { index: number; offset: number; last: boolean },
): void {
  const { transport } = packet;
  putBe32(segment, transport + TCP.sequence, getBe32(segment, transport + TCP.sequence) + offset);
  // The end of the data is said in its last segment, a reduced window in its first.
  const cleared = (last ? 0 : TCP_FLAG.FIN | TCP_FLAG.PSH) | (index === 0 ? 0 : TCP_FLAG.CWR);
  segment[transport + TCP.flags] = (segment[transport + TCP.flags] ?? 0) & ~cleared;
  if (packet.version === 4)
    putBe16(segment, packet.ip + IPV4.id, getBe16(segment, packet.ip + IPV4.id) + index);
  finishIpHeader(segment, packet);
  const sum = checksumFold(pseudoHeaderSum(segment, packet, segment.length - transport));
  putBe16(segment, transport + TCP.checksum, sum);
  completeChecksum(segment, transport, TCP.checksum);
}

/** IP fragments of one UDP datagram, its checksum completed first; undefined if it is none. */
export function fragmentUdp({ frame, header }: Packet): Uint8Array[] | undefined {
  const packet = findIp(frame);
  const bytes = header.gsoSize & ~7;
  if (packet?.protocol !== IP_PROTOCOL.UDP || bytes === 0) return undefined;
  const datagram = Uint8Array.from(frame);
  completeChecksum(datagram, packet.transport, UDP_CHECKSUM);
  const fragments: Uint8Array[] = [];
  for (let from = packet.transport; from < datagram.length; from += bytes) {
    const payload = datagram.subarray(from, Math.min(from + bytes, datagram.length));
    const more = from + bytes < datagram.length;
    fragments.push(fragment(datagram, packet, payload, from - packet.transport, more));
  }
  return fragments;
}

function fragment(
  datagram: Uint8Array,
  packet: IpPacket,
  payload: Uint8Array,
  offset: number,
  more: boolean,
): Uint8Array {
  const { ip, transport } = packet;
  const head = datagram.subarray(0, transport);
  if (packet.version === 4) {
    const piece = join(head, payload);
    putBe16(piece, ip + IPV4.fragment, offset / 8 + (more ? MORE_FRAGMENTS : 0));
    finishIpHeader(piece, packet);
    return piece;
  }
  const fragmentHeader = new Uint8Array(IPV6_FRAGMENT_HEADER_BYTES);
  fragmentHeader[0] = IP_PROTOCOL.UDP;
  putBe16(fragmentHeader, 2, offset + (more ? 1 : 0));
  // Any number that the fragments of one datagram share and its neighbours do not: its checksum.
  putBe32(fragmentHeader, 4, getBe16(datagram, transport + UDP_CHECKSUM));
  const piece = join(head, fragmentHeader, payload);
  piece[ip + IPV6_NEXT_HEADER] = IP_PROTOCOL.IPV6_FRAGMENT;
  finishIpHeader(piece, packet);
  return piece;
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
