/** Ping from a guest program: asks for the address's MAC (ARP), then sends ICMP echo requests and times the answers. */
import {
  checksum,
  ETHERTYPE,
  findIp,
  getBe16,
  IP_PROTOCOL,
  IPV4_HEADER_BYTES_MIN,
  putBe16,
} from "../../wire/inet.ts";
import { ETHERNET_HEADER_BYTES, MAC_BYTES, parseMac } from "../../wire/net.ts";
import { shown, whole } from "../arguments.ts";
import { NetError } from "./net-error.ts";
import type { Nic } from "./nic.ts";

export interface PingOptions {
  /** IPv4 addresses. */
  readonly from: string;
  readonly to: string;
  readonly count?: number;
  /** Data bytes of each request. */
  readonly bytes?: number;
  readonly timeoutMs?: number;
}

export interface PingReply {
  readonly sequence: number;
  /** Null: no answer in time. */
  readonly milliseconds: number | null;
}

const BROADCAST = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
const ARP = { operation: 20, senderMac: 22, senderIp: 28, targetMac: 32, targetIp: 38, bytes: 42 } as const;
const IP = { totalLength: 16, ttl: 22, protocol: 23, checksum: 24, source: 26, target: 30 } as const;
const ICMP = ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES_MIN;
const ICMP_HEADER_BYTES = 8;
/** What the length field of an IP header has room for. */
const DATA_BYTES_MAX = 0xffff - IPV4_HEADER_BYTES_MIN - ICMP_HEADER_BYTES;
const IDENTIFIER = 0x7669;

/** One request after the other. Rejects if nobody answers for the address. */
export async function ping(nic: Nic, options: PingOptions): Promise<PingReply[]> {
  const { count = 4, bytes = 56, timeoutMs = 1000 } = options;
  const [from, to] = [ipv4(options.from), ipv4(options.to)];
  whole("count", count, 1, 0xffff);
  whole("bytes", bytes, 0, DATA_BYTES_MAX);
  whole("timeoutMs", timeoutMs, 1, 2 ** 31 - 1);
  const peer = await resolve(nic, from, to, timeoutMs);
  const replies: PingReply[] = [];
  for (let sequence = 1; sequence <= count; sequence++) {
    const begun = performance.now();
    const answer = await exchange(
      nic,
      echoRequest(nic, peer, from, to, sequence, bytes),
      timeoutMs,
      (frame) => isEchoReply(frame, sequence, bytes),
    );
    replies.push({ sequence, milliseconds: answer === undefined ? null : performance.now() - begun });
  }
  return replies;
}

async function resolve(nic: Nic, from: Uint8Array, to: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
  const request = ethernet(nic, BROADCAST, ETHERTYPE.ARP, ARP.bytes);
  request.set([0, 1, 8, 0, MAC_BYTES, 4, 0, 1], ETHERNET_HEADER_BYTES);
  request.set(request.subarray(MAC_BYTES, 2 * MAC_BYTES), ARP.senderMac);
  request.set(from, ARP.senderIp);
  request.set(to, ARP.targetIp);
  const isReply = (frame: Uint8Array) =>
    getBe16(frame, 12) === ETHERTYPE.ARP &&
    getBe16(frame, ARP.operation) === 2 &&
    Buffer.compare(frame.subarray(ARP.senderIp, ARP.senderIp + 4), to) === 0;
  const reply = await exchange(nic, request, timeoutMs, isReply);
  if (reply === undefined) throw new NetError(`nobody answers for ${to.join(".")}`);
  return reply.slice(ARP.senderMac, ARP.senderMac + MAC_BYTES);
}

function echoRequest(
  nic: Nic,
  peer: Uint8Array,
  from: Uint8Array,
  to: Uint8Array,
  sequence: number,
  bytes: number,
): Uint8Array {
  const frame = ethernet(nic, peer, ETHERTYPE.IPV4, ICMP + ICMP_HEADER_BYTES + bytes);
  frame[ETHERNET_HEADER_BYTES] = 0x45;
  putBe16(frame, IP.totalLength, frame.length - ETHERNET_HEADER_BYTES);
  frame[IP.ttl] = 64;
  frame[IP.protocol] = IP_PROTOCOL.ICMP;
  frame.set(from, IP.source);
  frame.set(to, IP.target);
  putBe16(frame, IP.checksum, checksum(frame, ETHERNET_HEADER_BYTES, ICMP));
  frame[ICMP] = 8;
  putBe16(frame, ICMP + 4, IDENTIFIER);
  putBe16(frame, ICMP + 6, sequence);
  for (let at = 0; at < bytes; at++) frame[ICMP + ICMP_HEADER_BYTES + at] = at + sequence;
  putBe16(frame, ICMP + 2, checksum(frame, ICMP, frame.length));
  return frame;
}

function isEchoReply(frame: Uint8Array, sequence: number, bytes: number): boolean {
  const packet = findIp(frame);
  if (packet?.version !== 4 || packet.protocol !== IP_PROTOCOL.ICMP) return false;
  const { ip, transport } = packet;
  const end = ip + getBe16(frame, ip + 2);
  return (
    frame[transport] === 0 &&
    getBe16(frame, transport + 4) === IDENTIFIER &&
    getBe16(frame, transport + 6) === sequence &&
    end - transport === ICMP_HEADER_BYTES + bytes &&
    checksum(frame, transport, end) === 0
  );
}

/** Sends, and waits for the first frame that is the answer; undefined: none came in time. */
function exchange(
  nic: Nic,
  request: Uint8Array,
  timeoutMs: number,
  isAnswer: (frame: Uint8Array) => boolean,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const end = (answer?: Uint8Array) => {
      clearTimeout(timer);
      stopListening();
      resolve(answer);
    };
    const stopListening = nic.onFrame((frame) => {
      if (isAnswer(frame)) end(frame.slice());
    });
    const timer = setTimeout(end, timeoutMs);
    nic.send(request).catch((error: unknown) => {
      reject(error);
      end();
    });
  });
}

function ethernet(nic: Nic, to: Uint8Array, type: number, bytes: number): Uint8Array {
  const frame = new Uint8Array(bytes);
  frame.set(to, 0);
  frame.set(parseMac(nic.mac) ?? [], MAC_BYTES);
  putBe16(frame, 2 * MAC_BYTES, type);
  return frame;
}

function ipv4(text: string): Uint8Array {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) {
    throw new RangeError(`${shown(text)} is no IPv4 address`);
  }
  return Uint8Array.from(parts);
}
