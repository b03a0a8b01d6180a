/** One sleep is taken for the answer: whatever else wakes the guest makes it read an old reply. */
import { MailboxBus } from "../../bus/mailbox.ts";
import { site } from "../../wire/sites.ts";
import { defineDefect } from "../defect.ts";

const READ_REPLY_INDEX = site("mailbox: read reply index");

class WaitsOnce extends MailboxBus {
  protected override awaitReply(record: number): void {
    const ticket = this.own.announce();
    if (this.memory.load32(this.plan.mailboxReply, READ_REPLY_INDEX) === record) this.own.cancel();
    else this.own.sleep(ticket, Number.POSITIVE_INFINITY);
  }
}

export default defineDefect({
  id: "R84",
  name: "wait without a loop",
  seen: "a bug report against three engines, retracted (2026); extism js-sdk PR 52 (2024)",
  needs: "interleaving",
  scenarios: ["line", "two-workers"],
  replacements: [{ base: MailboxBus, by: WaitsOnce }],
});
