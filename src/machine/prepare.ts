/** What a worker does before anything of its machine is built: somebody's module may change classes there. */
import { UsageError } from "../host/device.ts";
import type { SharedParts } from "./protocol.ts";
import { displayUrl, importModule } from "./thread.ts";

/** Which kind of worker is prepared; "io": a host thread beside the first. */
export type PreparedSide = "host" | "io" | "guest";

/** Default export of a module that `MachineDescription.prepare` names. */
export type Prepare = (side: PreparedSide, args: unknown) => void | Promise<void>;

/** `create`, once this worker has been prepared as the machine's description says. */
export const prepared =
  <Parts extends SharedParts, Service>(
    side: PreparedSide,
    create: (parts: Parts) => Service | Promise<Service>,
  ) =>
  async (parts: Parts): Promise<Service> => {
    const { prepare } = parts.spec;
    if (prepare !== null) {
      const { default: run } = await importModule(prepare.module);
      if (typeof run !== "function")
        throw new UsageError(`${displayUrl(prepare.module)}: expected a function`);
      await (run as Prepare)(side, prepare.args);
    }
    return create(parts);
  };
