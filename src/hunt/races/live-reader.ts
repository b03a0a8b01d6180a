/** The thread that reads a live machine's log, and holds it against the definition of a data race. */
import { parentPort, workerData } from "node:worker_threads";
import { AccessLog, type LoggedPlace } from "../../memory/access-log.ts";
import type { SharedBuffer } from "../../memory/attach.ts";
import { placesOf } from "../proof/caller.ts";
import { type Access, RaceDetector } from "./detector.ts";
import { feed, isOfKind } from "./journal.ts";
import type { LiveFindings } from "./live.ts";
import { NAME } from "./live-prepare.ts";

export function readAlong(): void {
  const log = new AccessLog((workerData as { log: SharedBuffer }).log);
  const detector = new RaceDetector({ justify: true });
  let accesses = 0;
  for (;;) {
    const over = log.stopped;
    const taken = log.take((access) => feed(detector, access, accesses++));
    if (taken > 0) continue;
    if (over) break;
    log.idle();
  }
  const { places } = log;
  const findings: LiveFindings = {
    accesses,
    threads: places.filter(({ site }) => site === NAME).map(({ stack }) => stack),
    justified: [...(detector.justified?.values() ?? [])],
    races: detector.races.map((race) => ({
      ...race,
      first: located(race.first, places),
      second: located(race.second, places),
    })),
  };
  parentPort?.postMessage(findings);
}

/** With the stack that its thread had when it first was at that site. */
function located(access: Access, places: readonly LoggedPlace[]): Access {
  const place = places.find(
    ({ thread, site, kind }) => thread === access.agent && site === access.site && isOfKind(kind, access),
  );
  const stack = placesOf(place?.stack ?? "").map(({ file, line }) => `${file}:${line}`);
  return { ...access, stack: stack.slice(0, 4).join("\n") };
}
