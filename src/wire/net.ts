/** virtio-net: feature bits, configuration layout, frame header and control commands [virtio 1.4, 5.1]. */
import { getU16, putU16 } from "./bytes.ts";
import { hasFeature } from "./features.ts";

export const NET_FEATURE = {
  CSUM: 0,
  GUEST_CSUM: 1,
  MTU: 3,
  MAC: 5,
  /** Legacy: the device takes any GSO type. */
  GSO: 6,
  GUEST_TSO4: 7,
  GUEST_TSO6: 8,
  GUEST_ECN: 9,
  GUEST_UFO: 10,
  HOST_TSO4: 11,
  HOST_TSO6: 12,
  HOST_ECN: 13,
  HOST_UFO: 14,
  MRG_RXBUF: 15,
  STATUS: 16,
  CTRL_VQ: 17,
  CTRL_RX: 18,
  CTRL_VLAN: 19,
  CTRL_RX_EXTRA: 20,
  GUEST_ANNOUNCE: 21,
  MQ: 22,
  CTRL_MAC_ADDR: 23,
} as const;

/** Offsets in device configuration. */
export const NET_CONFIG = { mac: 0, status: 6, maxVirtqueuePairs: 8, mtu: 10, bytes: 12 } as const;
export const NET_STATUS = { LINK_UP: 1, ANNOUNCE: 2 } as const;

export const MAC_BYTES = 6;
export const ETHERNET_HEADER_BYTES = 14;
export const VLAN_TAG_BYTES = 4;
export const MTU_MIN = 68;
export const MTU_MAX = 65535;
export const DEFAULT_MTU = 1500;
/** A frame of the usual MTU with a VLAN tag: what a small receive buffer holds. */
export const SMALL_FRAME_BYTES = DEFAULT_MTU + ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES;
/** Longest frame with segmentation offload: Linux's loopback and GSO frames are no longer. */
export const FRAME_BYTES_MAX = 65550;

/** The header before each frame; `numBuffers` is there with MRG_RXBUF only. */
const HEADER = { flags: 0, gsoType: 1, headerBytes: 2, gsoSize: 4, csumStart: 6, csumOffset: 8, buffers: 10 };
export const NET_HEADER_FLAG = { NEEDS_CSUM: 1, DATA_VALID: 2 } as const;
export const GSO = { NONE: 0, TCPV4: 1, UDP: 3, TCPV6: 4, ECN: 0x80 } as const;

/** What is left to do to a frame: a checksum to complete, a packet to cut into segments. */
export interface NetHeader {
  readonly flags: number;
  /** One of GSO, perhaps with ECN. */
  readonly gsoType: number;
  /** Bytes to copy in front of each segment: a hint. */
  readonly headerBytes: number;
  /** Payload bytes of each segment. */
  readonly gsoSize: number;
  /** The checksum covers the bytes from here to the end of the frame ... */
  readonly csumStart: number;
  /** ... and is stored this far behind `csumStart`, where its pseudo-header part is now. */
  readonly csumOffset: number;
}

/** A frame that is ready for the wire. */
export const PLAIN: NetHeader = {
  flags: 0,
  gsoType: GSO.NONE,
  headerBytes: 0,
  gsoSize: 0,
  csumStart: 0,
  csumOffset: 0,
};

export const netHeaderBytes = (features: number): number =>
  hasFeature(features, NET_FEATURE.MRG_RXBUF) ? 12 : 10;

export function decodeNetHeader(bytes: Uint8Array): NetHeader {
  const flags = bytes[HEADER.flags] ?? 0;
  const gsoType = bytes[HEADER.gsoType] ?? 0;
  if (flags === 0 && gsoType === GSO.NONE) return PLAIN;
  return {
    flags,
    gsoType,
    headerBytes: getU16(bytes, HEADER.headerBytes),
    gsoSize: getU16(bytes, HEADER.gsoSize),
    csumStart: getU16(bytes, HEADER.csumStart),
    csumOffset: getU16(bytes, HEADER.csumOffset),
  };
}

/** Fills 10 or 12 bytes; with 12, `buffers` is the number of receive buffers that the frame spans (0 on transmit). */
export function encodeNetHeader(bytes: Uint8Array, header: NetHeader, buffers: number): void {
  bytes[HEADER.flags] = header.flags;
  bytes[HEADER.gsoType] = header.gsoType;
  putU16(bytes, HEADER.headerBytes, header.headerBytes);
  putU16(bytes, HEADER.gsoSize, header.gsoSize);
  putU16(bytes, HEADER.csumStart, header.csumStart);
  putU16(bytes, HEADER.csumOffset, header.csumOffset);
  if (bytes.length >= 12) putU16(bytes, HEADER.buffers, buffers);
}
export const netHeaderBuffers = (bytes: Uint8Array): number => getU16(bytes, HEADER.buffers);

/** Control message: class, command, data (readable) and one byte of answer (writable) [5.1.6.5]. */
export const CTRL = {
  RX: { id: 0, PROMISC: 0, ALLMULTI: 1, ALLUNI: 2, NOMULTI: 3, NOUNI: 4, NOBCAST: 5 },
  MAC: { id: 1, TABLE_SET: 0, ADDR_SET: 1 },
  VLAN: { id: 2, ADD: 0, DEL: 1 },
  ANNOUNCE: { id: 3, ACK: 0 },
  MQ: { id: 4, VQ_PAIRS_SET: 0 },
} as const;
export const CTRL_OK = 0;
export const CTRL_ERR = 1;
export const VLAN_IDS = 4096;

/** Queues of pair i are 2i and 2i+1; the control queue comes after the last pair that was negotiated [5.1.2]. */
export const rxQueueIndex = (pair: number): number => 2 * pair;
export const txQueueIndex = (pair: number): number => 2 * pair + 1;
export const controlQueueIndex = (features: number, pairsMax: number): number =>
  2 * (hasFeature(features, NET_FEATURE.MQ) ? pairsMax : 1);

export const hasGuestGso = (features: number): boolean =>
  [NET_FEATURE.GUEST_TSO4, NET_FEATURE.GUEST_TSO6, NET_FEATURE.GUEST_UFO].some((bit) =>
    hasFeature(features, bit),
  );

/** What each feature needs beside it [5.1.3.1]; without that it means nothing. */
const NEEDS: readonly (readonly [feature: number, ...anyOf: number[]])[] = [
  [NET_FEATURE.GUEST_TSO4, NET_FEATURE.GUEST_CSUM],
  [NET_FEATURE.GUEST_TSO6, NET_FEATURE.GUEST_CSUM],
  [NET_FEATURE.GUEST_UFO, NET_FEATURE.GUEST_CSUM],
  [NET_FEATURE.GUEST_ECN, NET_FEATURE.GUEST_TSO4, NET_FEATURE.GUEST_TSO6],
  [NET_FEATURE.HOST_TSO4, NET_FEATURE.CSUM],
  [NET_FEATURE.HOST_TSO6, NET_FEATURE.CSUM],
  [NET_FEATURE.HOST_UFO, NET_FEATURE.CSUM],
  [NET_FEATURE.HOST_ECN, NET_FEATURE.HOST_TSO4, NET_FEATURE.HOST_TSO6],
  [NET_FEATURE.CTRL_RX, NET_FEATURE.CTRL_VQ],
  [NET_FEATURE.CTRL_VLAN, NET_FEATURE.CTRL_VQ],
  [NET_FEATURE.CTRL_RX_EXTRA, NET_FEATURE.CTRL_VQ],
  [NET_FEATURE.GUEST_ANNOUNCE, NET_FEATURE.CTRL_VQ],
  [NET_FEATURE.MQ, NET_FEATURE.CTRL_VQ],
  [NET_FEATURE.CTRL_MAC_ADDR, NET_FEATURE.CTRL_VQ],
];

/** The features whose needs are met. */
export function consistentNetFeatures(features: number): number {
  let kept = features;
  for (const [feature, ...anyOf] of NEEDS) {
    if (!anyOf.some((bit) => hasFeature(kept, bit))) kept &= ~(1 << feature);
  }
  return kept >>> 0;
}

/** "52:54:00:12:34:56" to bytes; undefined if it is no such thing. */
export function parseMac(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}$/i.test(text)) return undefined;
  return Uint8Array.from(text.split(":"), (part) => Number.parseInt(part, 16));
}
export const formatMac = (bytes: Uint8Array): string =>
  Array.from(bytes.subarray(0, MAC_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join(":");
