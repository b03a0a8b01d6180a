/** Entropy [5.4]. */
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import { ruleOf } from "../moments.ts";
import { beyondUsed } from "./rings.ts";

const on = ruleOf(VIRTIO_TYPE.rng);

export const rngRules = [
  on("RNG-DRV-01", "available", ({ chain }) =>
    chain.readable.length > 0 ? `head ${chain.head} has readable parts` : undefined,
  ),
  on("RNG-DRV-02", "bytes", beyondUsed, { side: "driver", write: false }),
  on("RNG-DEV-01", "used", ({ element }) =>
    element.length === 0 && element.chain !== undefined && element.chain.writable.length > 0
      ? `head ${element.id} comes back empty`
      : undefined,
  ),
];
