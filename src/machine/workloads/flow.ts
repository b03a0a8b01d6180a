/** Numbered frames of one flow, to a loop back-end and back: a device with several queue pairs answers on the sender's. */
import type { Nic } from "../../drivers/index.ts";
import { ETHERTYPE, getBe32, IP_PROTOCOL, putBe16, putBe32 } from "../../wire/inet.ts";
import { ETHERNET_HEADER_BYTES } from "../../wire/net.ts";

export interface FlowResult {
  readonly frames: number;
  /** Each came back, once and in order. */
  readonly verified: boolean;
}

const IP = ETHERNET_HEADER_BYTES;
const UDP = IP + 20;
/** Where in the frame its number is. */
export const FLOW_NUMBER_AT = UDP + 8;
const SHORTEST = FLOW_NUMBER_AT + 4;
const FIRST_PORT = 10_000;
/** Frames out at once. */
const OUTSTANDING = 64;
const PATIENCE_MS = 5000;

/** A UDP packet, but for its checksums, which nobody looks at. */
export function flowFrame(bytes: number, flow: number, number: number): Uint8Array {
  const frame = new Uint8Array(Math.max(SHORTEST, bytes));
  putBe16(frame, IP - 2, ETHERTYPE.IPV4);
  frame[IP] = 0x45;
  putBe16(frame, IP + 2, frame.length - IP);
  frame[IP + 9] = IP_PROTOCOL.UDP;
  putBe16(frame, UDP, FIRST_PORT + flow);
  putBe16(frame, UDP + 4, frame.length - UDP);
  putBe32(frame, FLOW_NUMBER_AT, number);
  return frame;
}

/** Undefined: a frame of another kind, or of another flow. */
export function flowNumber(frame: Uint8Array, flow: number): number | undefined {
  const own = frame.length >= SHORTEST && frame[IP + 9] === IP_PROTOCOL.UDP;
  const port = own ? getBe32(frame, UDP) >>> 16 : -1;
  return port === FIRST_PORT + flow ? getBe32(frame, FLOW_NUMBER_AT) : undefined;
}

export async function exerciseFlow(nic: Nic, flow: number, count: number): Promise<FlowResult> {
  const longest = nic.mtu + ETHERNET_HEADER_BYTES;
  let received = 0;
  let inOrder = true;
  let finish: () => void = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const stop = nic.onFrame((frame) => {
    inOrder &&= flowNumber(frame, flow) === received;
    if (++received === count) finish();
  });
  const timer = setTimeout(() => finish(), PATIENCE_MS + count);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const number = next++;
      await nic.send(flowFrame(SHORTEST + ((number * 97) % (longest - SHORTEST)), flow, number));
    }
  };
  await Promise.all(Array.from({ length: OUTSTANDING }, lane));
  await finished;
  clearTimeout(timer);
  stop();
  return { frames: received, verified: inOrder && received === count };
}
