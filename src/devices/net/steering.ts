/**
 * Automatic receive steering [5.1.6.5.6]: a flow's replies go to the pair that the driver last sent the flow on.
 * Both directions of a flow have the same hash; flows that share one share a pair.
 */
import { findIp, getBe16, IP_PROTOCOL } from "../../wire/inet.ts";

const TABLE_SIZE = 1024;
const UNKNOWN = 0xffff;

export class Steering {
  readonly #pairs = new Uint16Array(TABLE_SIZE).fill(UNKNOWN);

  reset(): void {
    this.#pairs.fill(UNKNOWN);
  }

  /** The driver sent a frame on this pair. */
  sent(frame: Uint8Array, pair: number): void {
    this.#pairs[flowHash(frame)] = pair;
  }

  /** The pair for a frame to the driver; flows that it has not sent on are spread by hash. */
  pairFor(frame: Uint8Array, activePairs: number): number {
    if (activePairs === 1) return 0;
    const hash = flowHash(frame);
    const pair = this.#pairs[hash] ?? UNKNOWN;
    return pair < activePairs ? pair : hash % activePairs;
  }
}

/** The same for a frame and for its answer: addresses and ports enter as sums. Not IP: 0. */
export function flowHash(frame: Uint8Array): number {
  const packet = findIp(frame);
  if (packet === undefined) return 0;
  const { version, ip, transport, protocol } = packet;
  const [from, to] = version === 4 ? [ip + 12, ip + 20] : [ip + 8, ip + 40];
  let sum = protocol;
  for (let at = from; at < to; at += 2) sum += getBe16(frame, at);
  if (protocol === IP_PROTOCOL.TCP || protocol === IP_PROTOCOL.UDP) {
    sum += getBe16(frame, transport) + getBe16(frame, transport + 2);
  }
  // Spread neighbours (Knuth's multiplicative hash); the top bits are the good ones.
  return Math.imul(sum, 0x9e37_79b1) >>> 22;
}
