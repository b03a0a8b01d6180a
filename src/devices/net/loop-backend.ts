/**
 * `loop`: every frame comes back, in order and unchanged, offloads and all. Nothing is lost: while the driver has no
 * receive buffers, it cannot send either. With a responder, what is addressed to it is answered instead.
 */
import type { NetBackend, NetPort } from "./backend.ts";
import type { Responder } from "./responder.ts";

export function loopBackend(responder?: Responder): NetBackend {
  let port: NetPort | undefined;
  return {
    takesOffloads: true,
    attach(attached) {
      port = attached;
    },
    send: (packet) => port?.deliver(responder?.answer(packet) ?? packet),
    describe: () => (responder === undefined ? {} : { answered: responder.answered }),
  };
}
