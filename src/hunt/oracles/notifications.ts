/**
 * The notification ledger (O6) of one thread: whoever publishes an index, looks at the other side's wish and finds that it
 * wants to be told must tell it before going to sleep. It watches accesses, not code, so it holds for any queue whose sides
 * use the sites, and asks for no more than the rules do: telling somebody who did not want it is allowed.
 */
import { AVAIL_FLAG_NO_INTERRUPT, needEvent, USED_FLAG_NO_NOTIFY } from "../../wire/ring.ts";
import type { SiteLabel } from "../../wire/sites.ts";
import type { ThreadContext } from "../scenario.ts";

interface Side {
  readonly publisher: string;
  readonly index: string;
  readonly telling: string;
  readonly publish: SiteLabel;
  readonly flags: SiteLabel;
  readonly notWanted: number;
  readonly event: SiteLabel;
  /** Any of these tells. */
  readonly tells: readonly SiteLabel[];
}

export const KICKS: Side = {
  publisher: "driver",
  index: "avail.idx",
  telling: "kick",
  publish: "driver: publish avail.idx",
  flags: "driver: read used.flags",
  notWanted: USED_FLAG_NO_NOTIFY,
  event: "driver: read avail_event",
  tells: ["kick: set bit", "mailbox: publish request"],
};

export const INTERRUPTS: Side = {
  publisher: "device",
  index: "used.idx",
  telling: "interrupt",
  publish: "device: publish used.idx",
  flags: "device: read avail.flags",
  notWanted: AVAIL_FLAG_NO_INTERRUPT,
  event: "device: read used_event",
  tells: ["isr: set", "msi: post vector", "msix: set pending"],
};

const SLEEP: SiteLabel = "doorbell: announce sleep";
/** More publications than this between two looks are taken for fewer: an index that began anew looks like many. */
const SPAN_MAX = 4;

export class NotificationLedger {
  readonly #context: ThreadContext;
  readonly #side: Side;
  /** By place of the index: its value at the last decision about telling. */
  readonly #decided = new Map<number, number>();
  #published: { readonly place: number; readonly index: number } | undefined;
  #owed: string | undefined;

  constructor(context: ThreadContext, side: Side) {
    this.#context = context;
    this.#side = side;
    context.watch(side.publish, (place, index) => {
      this.#published = { place, index };
    });
    context.watch(side.flags, (_, flags) => this.#looked(flags, () => (flags & side.notWanted) === 0));
    context.watch(side.event, (_, event) =>
      this.#looked(event, (before, after) => needEvent(event, after, before)),
    );
    for (const label of side.tells) {
      context.watch(label, () => {
        this.#owed = undefined;
      });
    }
    context.watch(SLEEP, () => this.#sleeps());
  }

  /** The first look after a publication decides; a look without one decides nothing. */
  #looked(wish: number, wanted: (before: number, after: number) => boolean): void {
    const published = this.#published;
    if (published === undefined) return;
    this.#published = undefined;
    const { place, index } = published;
    const span = (index - (this.#decided.get(place) ?? index - 1)) & 0xffff;
    const before = (index - (span === 0 || span > SPAN_MAX ? 1 : span)) & 0xffff;
    this.#decided.set(place, index);
    if (wanted(before, index)) {
      const { publisher } = this.#side;
      this.#owed = `${this.#side.index} ${index} was published, and the ${publisher} read the other side's wish as ${wish}`;
    }
  }

  #sleeps(): void {
    const owed = this.#owed;
    if (owed === undefined) return;
    this.#owed = undefined;
    this.#context.fail("O6 notifications", `${owed}: yet it goes to sleep without a ${this.#side.telling}`);
  }
}
