/** Numbers of the two capture file formats: classic pcap, and pcapng (draft-ietf-opsawg-pcapng). */

export const LINK_TYPE_ETHERNET = 1;
/** A record longer than this is a broken file: tcpdump's own limit. */
export const RECORD_BYTES_MAX = 262_144;

/** Classic: the magic number tells byte order and the unit of time stamps. */
export const PCAP_MAGIC = { micro: 0xa1b2_c3d4, nano: 0xa1b2_3c4d } as const;
export const PCAP_HEADER = { linkType: 20, bytes: 24 } as const;
export const PCAP_RECORD = { included: 8, original: 12, bytes: 16 } as const;

export const BLOCK = { section: 0x0a0d_0d0a, interface: 1, simplePacket: 3, enhancedPacket: 6 } as const;
export const BYTE_ORDER_MAGIC = 0x1a2b_3c4d;
/** Type and length before, length again after the body. */
export const BLOCK_HEAD_BYTES = 8;
export const BLOCK_BYTES_MIN = 12;
export const OPTION = { end: 0, interfaceName: 2, flags: 2, timeResolution: 9 } as const;
/** Direction in an enhanced packet's flags. */
export const DIRECTION = { inbound: 1, outbound: 2 } as const;

/** 32-bit fields of either byte order. */
export function readU32(bytes: Uint8Array, at: number, bigEndian: boolean): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + 4);
  return bigEndian
    ? ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
    : ((d << 24) | (c << 16) | (b << 8) | a) >>> 0;
}
export function readU16(bytes: Uint8Array, at: number, bigEndian: boolean): number {
  const [a = 0, b = 0] = bytes.subarray(at, at + 2);
  return bigEndian ? (a << 8) | b : (b << 8) | a;
}
