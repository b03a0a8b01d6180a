/** An I/O worker: a host thread that serves the queues that the host's first one hands to it. */
import { IoThread } from "../host/io-thread.ts";
import { HostLoop, type LoopWork } from "../host/loop.ts";
import { Doorbell } from "../memory/doorbell.ts";
import { findDevice } from "./devices.ts";
import { outcomeOf } from "./fault.ts";
import { BusNewsReader, nextRequest, serveParts } from "./io-calls.ts";
import { Log } from "./log.ts";
import { livePlatform } from "./platform.ts";
import type { CountedViolation, IoService, IoSideParts } from "./protocol.ts";
import { attachParts } from "./shared-parts.ts";
import { toldViolations } from "./violations.ts";
import { watchIfWanted } from "./watched.ts";

export async function createIoSide(parts: IoSideParts): Promise<IoService> {
  const { link } = parts;
  const { thread } = link;
  const watch = await watchIfWanted(parts, {
    side: "device",
    events: parts.events?.io[thread - 1],
    slotOf: (index) => io.slotOf(index),
    listen: () => news?.listen(),
  });
  const news = watch && new BusNewsReader(link, watch.hear);
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
    nextRequest: () => {
      news?.called();
      watch?.called();
      return nextRequest(link);
    },
    violated: toldViolations(violations),
    log: (message) => log.add(message),
  });
  const work: LoopWork =
    news === undefined
      ? io
      : {
          work: io.work,
          hasWork: () => io.hasWork(),
          poll: () => {
            news.listen();
            return io.poll();
          },
        };
  const loop = new HostLoop(work, new Doorbell(control, own.doorbell), { spinUsMax: spec.pollMaxUs });
  serveParts(link, {
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
      findings: watch?.findings() ?? null,
      violations,
      functions: io.describe().functions,
      log: log.lines,
    }),
  };
}
