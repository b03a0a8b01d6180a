/** Runs in each worker of a live machine before anything of it is built: from there on its accesses are logged. */
import { AccessLog } from "../../memory/access-log.ts";
import { type SharedBuffer, useMemory } from "../../memory/attach.ts";
import { LoggedMemory } from "../../memory/logged-memory.ts";
import { type SiteLabel, site } from "../../wire/sites.ts";

export interface LiveSetup {
  readonly log: SharedBuffer;
  /** Atomic accesses of these sites become plain ones. */
  readonly plain: readonly SiteLabel[];
}

/** Which place says what a thread is called. */
export const NAME = -1;

export default function prepare(side: string, args: unknown): void {
  const { log: buffer, plain } = args as LiveSetup;
  const log = new AccessLog(buffer);
  const thread = log.join();
  log.enter();
  log.place({ thread, site: NAME, kind: NAME, stack: side });
  log.leave();
  const sites = new Set(plain.map(site));
  // Every worker attaches the machine's buffers in one order.
  const seen: SharedBuffer[] = [];
  useMemory((attached) => {
    if (!seen.includes(attached)) seen.push(attached);
    return new LoggedMemory(attached, { log, thread, memory: seen.indexOf(attached), plain: sites });
  });
}
