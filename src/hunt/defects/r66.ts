/** The queue is filled and kicked before DRIVER_OK, which nobody kicks for again. */
import { defineDefect } from "../defect.ts";
import { TransportGuest } from "../machine/transport.ts";

class KicksEarly extends TransportGuest {
  protected override goLive(first: () => void): void {
    first();
    this.ready();
  }
}

export default defineDefect({
  id: "R66",
  name: "queue used before DRIVER_OK",
  seen: "Linux virtio_scsi 52c9cf1ac3d3 (2014)",
  needs: "interleaving",
  scenarios: ["first-kick"],
  replacements: [{ base: TransportGuest, by: KicksEarly }],
});
