/**
 * Checksum and segmentation offload on the device's side. A sender may leave work to the device; a receiver that
 * accepted it gets packets as they are, any other gets them with the work done. So the device offers every offload
 * whatever its back-end is, and back-ends that know plain frames only (pcap, socket) see plain frames only.
 */
import { hasFeature } from "../../wire/features.ts";
import { completeChecksum } from "../../wire/inet.ts";
import { GSO, NET_FEATURE, NET_HEADER_FLAG, type NetHeader, PLAIN } from "../../wire/net.ts";
import type { Packet } from "./backend.ts";
import { fragmentUdp, segmentTcp } from "./segment.ts";

/** Which feature allows the driver to send, and to receive, each segmentation type. */
const GSO_FEATURES: Readonly<Record<number, { host: number; guest: number }>> = {
  [GSO.TCPV4]: { host: NET_FEATURE.HOST_TSO4, guest: NET_FEATURE.GUEST_TSO4 },
  [GSO.TCPV6]: { host: NET_FEATURE.HOST_TSO6, guest: NET_FEATURE.GUEST_TSO6 },
  [GSO.UDP]: { host: NET_FEATURE.HOST_UFO, guest: NET_FEATURE.GUEST_UFO },
};

const baseType = (header: NetHeader): number => header.gsoType & ~GSO.ECN;
const needsChecksum = (header: NetHeader): boolean => (header.flags & NET_HEADER_FLAG.NEEDS_CSUM) !== 0;

/** What is wrong with a header that the driver sent, if anything [5.1.6.2]. */
export function headerProblem(header: NetHeader, frameBytes: number, features: number): string | undefined {
  if (needsChecksum(header)) {
    if (!hasFeature(features, NET_FEATURE.CSUM)) return "NEEDS_CSUM, and CSUM was not negotiated";
    if (header.csumStart + header.csumOffset + 2 > frameBytes) {
      return `checksum at ${header.csumStart} + ${header.csumOffset} of a frame of ${frameBytes} bytes`;
    }
  }
  if (header.gsoType === GSO.NONE) return undefined;
  const allowed = GSO_FEATURES[baseType(header)];
  if (allowed === undefined) return `segmentation type ${header.gsoType} is unknown`;
  if (!hasFeature(features, allowed.host)) return `segmentation type ${header.gsoType} was not negotiated`;
  if ((header.gsoType & GSO.ECN) !== 0 && !hasFeature(features, NET_FEATURE.HOST_ECN)) {
    return "ECN segmentation was not negotiated";
  }
  if (header.gsoSize === 0) return "segmentation into segments of 0 bytes";
  return needsChecksum(header) ? undefined : "segmentation without NEEDS_CSUM";
}

/**
 * A packet as a receiver with these features may have it: itself, with its checksum completed, or in segments. 0 is
 * the receiver that takes plain frames only. Undefined: the packet is not what its header says, and cannot be cut.
 */
export function packetsFor(packet: Packet, features: number): readonly Packet[] | undefined {
  const { header } = packet;
  if (header.gsoType !== GSO.NONE && !takesWhole(header, features)) {
    const frames = baseType(header) === GSO.UDP ? fragmentUdp(packet) : segmentTcp(packet);
    return frames?.map((frame) => ({ frame, header: PLAIN }));
  }
  if (!needsChecksum(header) || hasFeature(features, NET_FEATURE.GUEST_CSUM)) return [packet];
  const frame = Uint8Array.from(packet.frame);
  completeChecksum(frame, header.csumStart, header.csumOffset);
  return [{ frame, header: PLAIN }];
}

/** Whether the packet can go as it is, which nearly all can. */
export const fits = ({ header }: Packet, features: number): boolean =>
  (header.gsoType === GSO.NONE || takesWhole(header, features)) &&
  (!needsChecksum(header) || hasFeature(features, NET_FEATURE.GUEST_CSUM));

function takesWhole(header: NetHeader, features: number): boolean {
  const guest = GSO_FEATURES[baseType(header)]?.guest;
  if (guest === undefined || !hasFeature(features, guest)) return false;
  return (header.gsoType & GSO.ECN) === 0 || hasFeature(features, NET_FEATURE.GUEST_ECN);
}
