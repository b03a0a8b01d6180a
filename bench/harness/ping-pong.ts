/**
 * The floor under every round trip: two threads, a word each on a cache line of its own, there and back. Nothing that
 * hands work to another core and waits for the answer can be faster.
 */
import { patience } from "./patience.ts";
import { Peer } from "./peer.ts";

export const PING = 0;
export const PONG = 32;

export interface PingPong {
  /** Milliseconds for `count` round trips, after `warmUps` times as many. */
  round(count: number, warmUps?: number): Promise<number>;
  stop(): Promise<void>;
}

export async function startPingPong(): Promise<PingPong> {
  const words = new Int32Array(new SharedArrayBuffer(256));
  const peer = await Peer.start(new URL("ping-pong.thread.ts", import.meta.url), { buffer: words.buffer });
  return {
    async round(count, warmUps = 0) {
      const from = count * warmUps;
      Atomics.store(words, PING, -1);
      Atomics.store(words, PONG, 0);
      peer.tell(from + count);
      for (let looks = 0; Atomics.load(words, PONG) !== -1; ) looks = patience(looks);
      trips(words, 0, from);
      const begun = performance.now();
      trips(words, from, from + count);
      const ms = performance.now() - begun;
      await peer.answer();
      return ms;
    },
    stop: () => peer.stop(),
  };
}

function trips(words: Int32Array, from: number, to: number): void {
  for (let number = from; number < to; number++) {
    Atomics.store(words, PING, number);
    for (let looks = 0; Atomics.load(words, PONG) !== number; ) looks = patience(looks);
  }
}
