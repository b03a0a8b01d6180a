/** Entropy [5.4]. */
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import { rule } from "../moments.ts";
import { beyondUsed } from "./rings.ts";

const TYPE = VIRTIO_TYPE.rng.id;

export const rngRules = [
  rule("RNG-DRV-01", "available", ({ view, chain }) =>
    view.virtioId === TYPE && chain.readable.length > 0 ? `head ${chain.head} has readable parts` : undefined,
  ),
  rule("RNG-DRV-02", "bytes", ({ view, device, side, write, offset, length, peek }) =>
    view.virtioId === TYPE && side === "driver" && !write
      ? beyondUsed(device.queues.values(), peek.ram.addressOf(offset), length)
      : undefined,
  ),
  rule("RNG-DEV-01", "used", ({ view, element }) =>
    view.virtioId === TYPE &&
    element.length === 0 &&
    element.chain !== undefined &&
    element.chain.writable.length > 0
      ? `head ${element.id} comes back empty`
      : undefined,
  ),
];
