/** The other end of the ping-pong: repeats each number it sees. */

import { patience } from "./patience.ts";
import { servePeer } from "./peer.ts";
import { PING, PONG } from "./ping-pong.ts";

servePeer<{ buffer: SharedArrayBuffer }, number>(({ buffer }) => {
  const words = new Int32Array(buffer);
  return (count) => {
    Atomics.store(words, PONG, -1);
    for (let number = 0; number < count; number++) {
      for (let looks = 0; Atomics.load(words, PING) !== number; ) looks = patience(looks);
      Atomics.store(words, PONG, number);
    }
    return count;
  };
});
