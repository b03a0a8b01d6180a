/** The reset is posted and not waited for: the driver tears down while the device still serves. */
import { VirtioPciTransport } from "../../guest/virtio-pci/transport.ts";
import { defineDefect } from "../defect.ts";

class PostsReset extends VirtioPciTransport {
  override reset(): void {
    this.registers.write("status", 0);
  }
}

export default defineDefect({
  id: "R56",
  name: "reset posted without a flush",
  seen: "Linux e6af578c5305 (2011)",
  needs: "interleaving",
  scenarios: ["reset", "give-up"],
  replacements: [{ base: VirtioPciTransport, by: PostsReset }],
});
