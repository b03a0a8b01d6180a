/** An I/O worker: a host thread that serves the queues that the host's first one hands to it. */
import { IoThread } from "../host/io-thread.ts";
import { HostLoop } from "../host/loop.ts";
import { Doorbell } from "../memory/doorbell.ts";
import { findDevice } from "./devices.ts";
import { outcomeOf } from "./fault.ts";
import { nextRequest, serveParts } from "./io-calls.ts";
import { Log } from "./log.ts";
import { livePlatform } from "./platform.ts";
import type { CountedViolation, IoService, IoSideParts } from "./protocol.ts";
import { attachParts } from "./shared-parts.ts";
import { countViolation } from "./violations.ts";

export function createIoSide(parts: IoSideParts): IoService {
  const { thread, calls } = parts.link;
  const { spec, plan, control, ram } = attachParts(parts);
  const own = plan.ioThreads[thread - 1];
  if (own === undefined) throw new Error(`there is no I/O thread ${thread}`);
  const log = new Log();
  const violations: CountedViolation[] = [];
  const io = new IoThread({
    ram,
    control,
    plan,
    thread,
    nextRequest: () => nextRequest(calls),
    violated: (violation) => countViolation(violations, violation),
    log: (message) => log.add(message),
  });
  const loop = new HostLoop(io, new Doorbell(control, own.doorbell), { spinUsMax: spec.pollMaxUs });
  serveParts(parts.link, {
    addPart: (facts, type, share) =>
      outcomeOf("internal", async () => {
        const { createPart } = await findDevice(type);
        if (createPart === undefined) throw new Error(`device ${type} has no parts`);
        io.addPart(facts, await createPart(share, livePlatform));
        return null;
      }),
    removePart: (part) =>
      outcomeOf("internal", async () => {
        await io.removePart(part);
        return null;
      }),
  });

  return {
    start: () =>
      outcomeOf("internal", () => {
        loop.run().catch((error) =>
          // Our own bug: let it end the worker, with its stack.
          setImmediate(() => {
            throw error;
          }),
        );
        return null;
      }),
    describe: async () => ({
      findings: null,
      violations,
      functions: io.describe().functions,
      log: log.lines,
    }),
  };
}
