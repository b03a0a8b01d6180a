/** A reset with a request in flight: the buffer is the driver's again when the read behind the reset has come back. */
import { MailboxBus, MailboxServer } from "../../../bus/mailbox.ts";
import { Doorbell } from "../../../memory/doorbell.ts";
import { defineScenario, type Scenario, type ThreadContext } from "../../scenario.ts";
import { DeviceEnd, DriverEnd } from "../parts.ts";

const STATUS = 0xc012;
/** The write of the status, and the read that flushes it. */
const RECORDS = 2;

function mailboxOf({ control, plan }: ThreadContext) {
  const [own] = plan.cpus;
  if (own === undefined) throw new RangeError("no CPU 0");
  return { own, cpu: new Doorbell(control, own.doorbell), host: new Doorbell(control, plan.hostDoorbell) };
}

const reset: Scenario = defineScenario({
  name: "reset-1",
  summary: "one request in flight, reset by a posted write and the read behind it (letters A, B, E, F and I)",
  threads: {
    guest(context) {
      const { own, cpu, host } = mailboxOf(context);
      const forever = { deadlineMs: Number.POSITIVE_INFINITY, spins: 0 };
      const bus = new MailboxBus(context.control, own, { host, cpu }, undefined, forever);
      const driver = new DriverEnd(context);
      let reclaimed = -1;
      return {
        run() {
          driver.add(true);
          driver.queue.publish();
          context.begin();
          bus.out(STATUS, 1, 0);
          if (bus.in(STATUS, 1) !== 0) context.fail("O6 notifications", "the read overtook the reset");
          driver.reap();
          reclaimed = driver.reclaim();
        },
        judge(ending, report) {
          if (ending !== "quiescent") return;
          const back = driver.returned + reclaimed;
          if (back !== 1) report("O5 conservation", `${back} requests are back of 1`);
          if (reclaimed === 1 && !driver.owns(0)) report("O2 ownership", "the device wrote after the reset");
        },
      };
    },
    host(context) {
      const { own, cpu, host } = mailboxOf(context);
      const server = new MailboxServer(context.control, own, cpu);
      const device = new DeviceEnd(context);
      let status = 1;
      const handler = {
        portRead: () => status,
        portWrite(_port: number, _width: number, value: number) {
          status = value;
          device.queue.detach();
        },
        mmioRead: () => 0,
        mmioWrite: () => {},
      };
      return {
        run() {
          const chain = device.take();
          // The request is done before the records, between them, or too late.
          let turns = context.draw(RECORDS + 1);
          const complete = (): void => {
            if (chain === undefined || turns-- !== 0 || device.queue.detached) return;
            device.answer(chain, 0);
            device.queue.flush();
          };
          complete();
          for (let served = 0; served < RECORDS; ) {
            const now = server.serve(handler);
            served += now;
            if (now > 0) complete();
            if (served === RECORDS) return;
            const ticket = host.announce();
            if (server.pending()) host.cancel();
            else host.sleep(ticket, Number.POSITIVE_INFINITY);
          }
        },
      };
    },
  },
});

export const resetScenarios: readonly Scenario[] = [reset];
