/** Kicks and interrupts: who asked for them, who sent them, who looked again [2.7.7, 2.7.10; 6.3]. */
import { FEATURE } from "../../wire/features.ts";
import { needEvent } from "../../wire/ring.ts";
import type { Decision, Queue } from "../model.ts";
import { type Moments, rule } from "../moments.ts";

const eventIndex = (queue: Queue): boolean => queue.device.has(FEATURE.EVENT_IDX);

/** A publication that nobody decided about is judged by the word as it stands now. */
function stillWanted(decision: Decision, index: number, word: number, event: boolean): boolean {
  if (decision.wanted) return true;
  if (!decision.due || decision.early) return false;
  return event ? needEvent(word, index, decision.before) : (word & 1) === 0;
}

/** The first queue for which a notification is missing now, of those that `applies` picks. */
function missing(
  { device, peek }: Moments["driverIdle"],
  side: "kick" | "interrupt",
  applies: (queue: Queue, event: boolean) => boolean,
): string | undefined {
  for (const queue of device.queues.values()) {
    const event = eventIndex(queue);
    const { layout, base } = queue;
    const kick = side === "kick";
    const place = event
      ? kick
        ? layout.availEvent
        : layout.usedEvent
      : kick
        ? layout.usedFlags
        : layout.availFlags;
    const index = kick ? queue.availIndex : queue.usedIndex;
    if (!stillWanted(queue[side], index, peek.u16(base + place), event) || !applies(queue, event)) continue;
    const taken = kick ? ahead(index, queue.usedIndex) === 0 : ahead(queue.usedIndex, index) !== 0;
    if (!taken) return `queue ${queue.index}: index ${index} was published and no ${side} was sent`;
  }
  return undefined;
}
const ahead = (index: number, of: number): number => (index - of) & 0xffff;

const flagsIgnored = (decision: Decision): boolean => (decision.flags & 1) !== 0;

export const notificationRules = [
  rule(
    "SPLIT-DRV-19",
    "store",
    ({ value, queue }) => !eventIndex(queue) && value > 1 && `avail.flags is ${value}`,
    { side: "driver", fields: ["availFlags"] },
  ),
  rule(
    "SPLIT-DRV-20",
    "store",
    ({ value, queue }) => eventIndex(queue) && value !== 0 && `avail.flags is ${value} with event index`,
    { side: "driver", fields: ["availFlags"] },
  ),
  rule(
    "SPLIT-DEV-21",
    "store",
    ({ value, queue }) => !eventIndex(queue) && value > 1 && `used.flags is ${value}`,
    { side: "device", fields: ["usedFlags"] },
  ),
  rule(
    "SPLIT-DEV-22",
    "store",
    ({ value, queue }) => eventIndex(queue) && value !== 0 && `used.flags is ${value} with event index`,
    { side: "device", fields: ["usedFlags"] },
  ),
  rule(
    "SPLIT-DRV-24",
    "look",
    ({ queue }) => !eventIndex(queue) && "avail_event decides without event index",
    {
      side: "driver",
      fields: ["availEvent"],
    },
  ),
  rule(
    "SPLIT-DEV-07",
    "look",
    ({ queue }) => !eventIndex(queue) && "used_event decides without event index",
    {
      side: "device",
      fields: ["usedEvent"],
    },
  ),
  rule("SPLIT-DRV-25", "kick", ({ queue }) =>
    queue?.kick.denied && !queue.kick.wanted && !eventIndex(queue)
      ? `queue ${queue.index} is kicked while used.flags is 1`
      : undefined,
  ),
  rule("SPLIT-DRV-29", "kick", ({ queue }) =>
    queue?.kick.denied && !queue.kick.wanted && eventIndex(queue)
      ? `queue ${queue.index} is kicked although avail_event was not passed`
      : undefined,
  ),
  rule("SPLIT-DRV-26", "driverIdle", (moment) => missing(moment, "kick", (_, event) => !event)),
  rule("SPLIT-DRV-27", "driverIdle", (moment) =>
    missing(moment, "kick", (queue, event) => event && flagsIgnored(queue.kick)),
  ),
  rule("SPLIT-DRV-28", "driverIdle", (moment) =>
    missing(moment, "kick", (queue, event) => event && !flagsIgnored(queue.kick)),
  ),
  rule("SPLIT-DRV-31", "driverIdle", ({ device }) => {
    const queue = [...device.queues.values()].find(({ kick }) => kick.due && kick.early);
    return queue && `queue ${queue.index}: the suppression word was read before avail.idx was stored`;
  }),
  rule("SPLIT-DEV-08", "isr", ({ queue }) =>
    queue?.interrupt.denied && !queue.interrupt.wanted && !eventIndex(queue)
      ? `queue ${queue.index} interrupts while avail.flags is 1`
      : undefined,
  ),
  rule("SPLIT-DEV-12", "isr", ({ queue }) =>
    queue?.interrupt.denied && !queue.interrupt.wanted && eventIndex(queue)
      ? `queue ${queue.index} interrupts although used_event was not passed`
      : undefined,
  ),
  rule("SPLIT-DEV-09", "deviceIdle", (moment) => missing(moment, "interrupt", (_, event) => !event)),
  rule("SPLIT-DEV-10", "deviceIdle", (moment) =>
    missing(moment, "interrupt", (queue, event) => event && flagsIgnored(queue.interrupt)),
  ),
  rule("SPLIT-DEV-11", "deviceIdle", (moment) =>
    missing(moment, "interrupt", (queue, event) => event && !flagsIgnored(queue.interrupt)),
  ),
  rule("LEGACY-DEV-12", "deviceIdle", ({ device }) => {
    if (!device.has(FEATURE.NOTIFY_ON_EMPTY)) return false;
    const queue = [...device.queues.values()].find(
      (each) => each.interrupt.denied && !each.interrupt.wanted && each.usedIndex === each.availIndex,
    );
    return queue && `queue ${queue.index} ran empty without an interrupt`;
  }),
  rule("LEGACY-DRV-22", "driverIdle", ({ device }) => {
    const queue = [...device.queues.values()].find(({ recheckDue }) => recheckDue);
    return queue && `queue ${queue.index}: callbacks were asked for and used.idx not looked at again`;
  }),
  rule("LEGACY-DEV-03", "deviceIdle", ({ device, view, peek }) => {
    if (
      device.elsewhere ||
      device.order.busHeard ||
      view.status === 0 ||
      (view.status & 4) !== 0 ||
      !REQUEST_TYPES.includes(view.virtioId)
    )
      return false;
    for (const queue of device.queues.values()) {
      const index = peek.u16(queue.base + queue.layout.availIndex);
      if (queue.kicked && index !== queue.availLooked)
        return `queue ${queue.index} is not served before DRIVER_OK`;
    }
    return false;
  }),
];

/** Types that answer each buffer as it comes: block and entropy. */
const REQUEST_TYPES = [2, 4];
