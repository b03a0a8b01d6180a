/** Somebody to ping: answers ARP requests for its IPv4 address, and ICMP echo requests to it. */
import { UsageError } from "../../host/index.ts";
import {
  checksum,
  ETHERTYPE,
  findIp,
  getBe16,
  getBe32,
  IP_PROTOCOL,
  IPV4_HEADER_BYTES_MIN,
  putBe16,
  putBe32,
} from "../../wire/inet.ts";
import { ETHERNET_HEADER_BYTES, GSO, MAC_BYTES, PLAIN } from "../../wire/net.ts";
import type { Packet } from "./backend.ts";

const RESPONDER_MAC = Uint8Array.of(0x52, 0x55, 0x0a, 0x00, 0x02, 0x02);
const ARP = { operation: 6, senderMac: 8, senderIp: 14, targetMac: 18, targetIp: 24, bytes: 28 } as const;
const ARP_REQUEST = 1;
const ARP_REPLY = 2;
const ICMP = { type: 0, checksum: 2, bytesMin: 8 } as const;
const ICMP_ECHO_REQUEST = 8;
const ICMP_ECHO_REPLY = 0;

export class Responder {
  answered = 0;
  readonly #ip: number;

  constructor(ip: string) {
    this.#ip = parseIpv4(ip);
  }

  /** The answer to a packet that asks for one. */
  answer({ frame, header }: Packet): Packet | undefined {
    if (header.gsoType !== GSO.NONE) return undefined;
    const reply = this.#arpReply(frame) ?? this.#echoReply(frame);
    if (reply === undefined) return undefined;
    reply.set(reply.subarray(MAC_BYTES, 2 * MAC_BYTES), 0);
    reply.set(RESPONDER_MAC, MAC_BYTES);
    this.answered++;
    return { frame: reply, header: PLAIN };
  }

  #arpReply(frame: Uint8Array): Uint8Array | undefined {
    const at = ETHERNET_HEADER_BYTES;
    if (getBe16(frame, at - 2) !== ETHERTYPE.ARP || frame.length < at + ARP.bytes) return undefined;
    if (getBe16(frame, at + ARP.operation) !== ARP_REQUEST) return undefined;
    if (getBe32(frame, at + ARP.targetIp) !== this.#ip) return undefined;
    const reply = Uint8Array.from(frame);
    const sender = frame.subarray(at + ARP.senderMac, at + ARP.targetMac);
    putBe16(reply, at + ARP.operation, ARP_REPLY);
    reply.set(RESPONDER_MAC, at + ARP.senderMac);
    putBe32(reply, at + ARP.senderIp, this.#ip);
    reply.set(sender, at + ARP.targetMac);
    return reply;
  }

  #echoReply(frame: Uint8Array): Uint8Array | undefined {
    const packet = findIp(frame);
    if (packet?.version !== 4 || packet.protocol !== IP_PROTOCOL.ICMP) return undefined;
    const { ip, transport } = packet;
    // What Ethernet padded a short packet with is not part of the message.
    const end = ip + getBe16(frame, ip + 2);
    if (end > frame.length || end < transport + ICMP.bytesMin) return undefined;
    if (frame[transport + ICMP.type] !== ICMP_ECHO_REQUEST) return undefined;
    if (getBe32(frame, ip + IPV4_HEADER_BYTES_MIN - 4) !== this.#ip) return undefined;
    const reply = Uint8Array.from(frame);
    // Source and destination change places: the header's checksum stays right.
    reply.copyWithin(ip + 16, ip + 12, ip + 16);
    putBe32(reply, ip + 12, this.#ip);
    reply[transport + ICMP.type] = ICMP_ECHO_REPLY;
    putBe16(reply, transport + ICMP.checksum, 0);
    putBe16(reply, transport + ICMP.checksum, checksum(reply, transport, end));
    return reply;
  }
}

function parseIpv4(text: string): number {
  const parts = /^\d+(\.\d+){3}$/.test(text) ? text.split(".").map(Number) : [];
  if (parts.length !== 4 || parts.some((part) => part > 255)) {
    throw new UsageError(`net: expected ip to be an IPv4 address such as 10.0.2.2, found "${text}"`);
  }
  return parts.reduce((ip, part) => ip * 256 + part, 0);
}
