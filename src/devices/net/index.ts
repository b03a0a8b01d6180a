/** What a network back-end's writer needs: `import { defineNetBackend } from "virtlab/net"`. */
export { PLAIN } from "../../wire/net.ts";
export {
  defineNetBackend,
  type NetBackend,
  type NetBackendDefinition,
  type NetPort,
  type Packet,
} from "./backend.ts";
