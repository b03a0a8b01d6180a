/** `ping`: ARP for the address, then ICMP echo requests, each awaited. */
import { type Nic, net } from "../../../drivers/index.ts";
import type { GuestContext } from "../../../guest/define.ts";
import { UsageError } from "../../../host/device.ts";
import { checksum, ETHERTYPE, getBe16, getBe32, IP_PROTOCOL, putBe16, putBe32 } from "../../../wire/inet.ts";
import { ETHERNET_HEADER_BYTES, MAC_BYTES } from "../../../wire/net.ts";
import { type Words, wholeNumber } from "./names.ts";

const OWN_IP = "10.0.2.15";
const ANSWER_MS_MAX = 1000;
const COUNT = 3;
const BROADCAST = new Uint8Array(MAC_BYTES).fill(0xff);
const ARP = {
  type: 0,
  protocol: 2,
  sizes: 4,
  operation: 6,
  sender: 8,
  senderIp: 14,
  targetIp: 24,
  bytes: 28,
};
const IP = { length: 2, ttl: 8, protocol: 9, checksum: 10, source: 12, target: 16, bytes: 20 };
const ICMP = { type: 0, checksum: 2, id: 4, sequence: 6, bytes: 64 };
const ECHO_REQUEST = 8;
const ECHO_ID = 0x7601;

export async function ping(guest: GuestContext, words: Words): Promise<string> {
  const [ip = "", count] = words[0] === "-c" ? [words[2], words[1]] : words;
  const target = parseIp(ip);
  const total = count === undefined ? COUNT : wholeNumber("the count", count);
  const nic = guest.virtio.find(net);
  const peer = await resolve(nic, ip, target);
  const lines = [`PING ${ip}: ${ICMP.bytes - 8} data bytes`];
  const times: number[] = [];
  for (let sequence = 0; sequence < total; sequence++) {
    const begun = performance.now();
    const answer = await exchange(nic, echoRequest(nic, peer, target, sequence), (frame) =>
      isEcho(frame, sequence),
    );
    if (answer === undefined) continue;
    times.push(performance.now() - begun);
    lines.push(`${ICMP.bytes} bytes from ${ip}: seq=${sequence} time=${times.at(-1)?.toFixed(3)} ms`);
  }
  lines.push(`${total} packets transmitted, ${times.length} received`);
  if (times.length < total) throw new Error(lines.join("\n"));
  return lines.join("\n");
}

/** Sends a frame and waits for one that answers it; undefined: none in time. */
async function exchange(nic: Nic, frame: Uint8Array, isAnswer: (frame: Uint8Array) => boolean) {
  let timer: NodeJS.Timeout | undefined;
  let stop = () => {};
  try {
    return await new Promise<Uint8Array | undefined>((settle, reject) => {
      timer = setTimeout(() => settle(undefined), ANSWER_MS_MAX);
      stop = nic.onFrame((found) => {
        // The frame is the driver's again when this returns.
        if (isAnswer(found)) settle(Uint8Array.from(found));
      });
      nic.send(frame).catch(reject);
    });
  } finally {
    stop();
    clearTimeout(timer);
  }
}

async function resolve(nic: Nic, ip: string, target: number): Promise<Uint8Array> {
  const packet = new Uint8Array(ARP.bytes);
  putBe16(packet, ARP.type, 1);
  putBe16(packet, ARP.protocol, ETHERTYPE.IPV4);
  putBe16(packet, ARP.sizes, (MAC_BYTES << 8) | 4);
  putBe16(packet, ARP.operation, 1);
  packet.set(macBytes(nic), ARP.sender);
  putBe32(packet, ARP.senderIp, parseIp(OWN_IP));
  putBe32(packet, ARP.targetIp, target);
  const at = ETHERNET_HEADER_BYTES;
  const answer = await exchange(
    nic,
    ethernet(nic, BROADCAST, ETHERTYPE.ARP, packet),
    (frame) =>
      getBe16(frame, at - 2) === ETHERTYPE.ARP &&
      getBe16(frame, at + ARP.operation) === 2 &&
      getBe32(frame, at + ARP.senderIp) === target,
  );
  if (answer === undefined) throw new Error(`nobody answers for ${ip}`);
  return answer.subarray(at + ARP.sender, at + ARP.sender + MAC_BYTES);
}

function echoRequest(nic: Nic, peer: Uint8Array, target: number, sequence: number): Uint8Array {
  const packet = new Uint8Array(IP.bytes + ICMP.bytes);
  packet[0] = 0x45;
  putBe16(packet, IP.length, packet.length);
  packet[IP.ttl] = 64;
  packet[IP.protocol] = IP_PROTOCOL.ICMP;
  putBe32(packet, IP.source, parseIp(OWN_IP));
  putBe32(packet, IP.target, target);
  putBe16(packet, IP.checksum, checksum(packet, 0, IP.bytes));
  const echo = packet.subarray(IP.bytes);
  echo[ICMP.type] = ECHO_REQUEST;
  putBe16(echo, ICMP.id, ECHO_ID);
  putBe16(echo, ICMP.sequence, sequence);
  for (let index = 8; index < ICMP.bytes; index++) echo[index] = index;
  putBe16(echo, ICMP.checksum, checksum(echo, 0, echo.length));
  return ethernet(nic, peer, ETHERTYPE.IPV4, packet);
}

function isEcho(frame: Uint8Array, sequence: number): boolean {
  const at = ETHERNET_HEADER_BYTES + IP.bytes;
  return (
    getBe16(frame, ETHERNET_HEADER_BYTES - 2) === ETHERTYPE.IPV4 &&
    frame[ETHERNET_HEADER_BYTES + IP.protocol] === IP_PROTOCOL.ICMP &&
    frame[at + ICMP.type] === 0 &&
    getBe16(frame, at + ICMP.id) === ECHO_ID &&
    getBe16(frame, at + ICMP.sequence) === sequence
  );
}

function ethernet(nic: Nic, to: Uint8Array, type: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER_BYTES + payload.length);
  frame.set(to, 0);
  frame.set(macBytes(nic), MAC_BYTES);
  putBe16(frame, 2 * MAC_BYTES, type);
  frame.set(payload, ETHERNET_HEADER_BYTES);
  return frame;
}

const macBytes = ({ mac }: Nic): Uint8Array =>
  Uint8Array.from(mac.split(":"), (byte) => Number.parseInt(byte, 16));

function parseIp(text: string): number {
  const bytes = text.split(".").map(Number);
  if (bytes.length !== 4 || bytes.some((byte) => !Number.isInteger(byte) || byte < 0 || byte > 255)) {
    throw new UsageError(`expected an IPv4 address such as 10.0.2.2, got "${text}"`);
  }
  return bytes.reduce((number, byte) => number * 256 + byte, 0);
}
