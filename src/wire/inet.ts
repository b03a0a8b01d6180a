/** Internet headers in Ethernet frames: where they lie, and the checksum. Pure arithmetic on private bytes. */
import { ETHERNET_HEADER_BYTES, VLAN_TAG_BYTES } from "./net.ts";

export const ETHERTYPE = { IPV4: 0x0800, ARP: 0x0806, VLAN: 0x8100, IPV6: 0x86dd } as const;
export const IP_PROTOCOL = { ICMP: 1, TCP: 6, UDP: 17, IPV6_FRAGMENT: 44 } as const;
export const IPV4_HEADER_BYTES_MIN = 20;
export const IPV6_HEADER_BYTES = 40;

/** Big-endian, as on the wire. */
export const getBe16 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
export const getBe32 = (bytes: Uint8Array, at: number): number =>
  getBe16(bytes, at) * 0x1_0000 + getBe16(bytes, at + 2);
export function putBe16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}
export function putBe32(bytes: Uint8Array, at: number, value: number): void {
  putBe16(bytes, at, value >>> 16);
  putBe16(bytes, at + 2, value);
}

/** One's complement sum of 16-bit words, not yet folded or complemented; `sum` carries on from another part. */
export function checksumAdd(bytes: Uint8Array, from: number, to: number, sum = 0): number {
  const even = from + ((to - from) & ~1);
  for (let at = from; at < even; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  return even < to ? sum + ((bytes[even] ?? 0) << 8) : sum;
}
/** Exact for sums below 2^48: no frame comes near. */
export function checksumFold(sum: number): number {
  while (sum > 0xffff) sum = (sum % 0x1_0000) + Math.floor(sum / 0x1_0000);
  return sum;
}
export const checksum = (bytes: Uint8Array, from: number, to: number): number =>
  ~checksumFold(checksumAdd(bytes, from, to)) & 0xffff;

/** Completes a checksum whose field holds its pseudo-header part; 0 is sent as 0xffff, which is the same to TCP. */
export function completeChecksum(frame: Uint8Array, start: number, offset: number): void {
  const sum = checksum(frame, start, frame.length);
  putBe16(frame, start + offset, sum === 0 ? 0xffff : sum);
}

export interface IpPacket {
  readonly version: 4 | 6;
  /** Where the IP header and what follows it begin in the frame. */
  readonly ip: number;
  readonly transport: number;
  readonly protocol: number;
}

/** The VLAN that a frame is tagged with, or undefined. */
export function vlanOf(frame: Uint8Array): number | undefined {
  if (getBe16(frame, ETHERNET_HEADER_BYTES - 2) !== ETHERTYPE.VLAN) return undefined;
  return getBe16(frame, ETHERNET_HEADER_BYTES) & 0xfff;
}

/** Finds the IP packet in a frame, behind a VLAN tag or not. IPv6 extension headers count as the transport's. */
export function findIp(frame: Uint8Array): IpPacket | undefined {
  const tagged = vlanOf(frame) !== undefined;
  const ip = ETHERNET_HEADER_BYTES + (tagged ? VLAN_TAG_BYTES : 0);
  const type = getBe16(frame, ip - 2);
  if (type === ETHERTYPE.IPV4 && frame.length >= ip + IPV4_HEADER_BYTES_MIN) {
    const bytes = 4 * ((frame[ip] ?? 0) & 0xf);
    if (bytes < IPV4_HEADER_BYTES_MIN || frame.length < ip + bytes) return undefined;
    return { version: 4, ip, transport: ip + bytes, protocol: frame[ip + 9] ?? 0 };
  }
  if (type === ETHERTYPE.IPV6 && frame.length >= ip + IPV6_HEADER_BYTES) {
    return { version: 6, ip, transport: ip + IPV6_HEADER_BYTES, protocol: frame[ip + 6] ?? 0 };
  }
  return undefined;
}

/** Sum of the pseudo-header, for the transport's checksum [RFC 793, RFC 8200]. */
export function pseudoHeaderSum(frame: Uint8Array, packet: IpPacket, transportBytes: number): number {
  const { version, ip, protocol } = packet;
  const addresses =
    version === 4 ? checksumAdd(frame, ip + 12, ip + 20) : checksumAdd(frame, ip + 8, ip + 40);
  return addresses + protocol + transportBytes;
}

/** Brings the length (and IPv4's checksum) of an IP header up to date with the frame's end. */
export function finishIpHeader(frame: Uint8Array, { version, ip, transport }: IpPacket): void {
  if (version === 6) {
    putBe16(frame, ip + 4, frame.length - ip - IPV6_HEADER_BYTES);
    return;
  }
  putBe16(frame, ip + 2, frame.length - ip);
  putBe16(frame, ip + 10, 0);
  putBe16(frame, ip + 10, checksum(frame, ip, transport));
}
