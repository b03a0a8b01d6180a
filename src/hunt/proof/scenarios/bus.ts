/** The bus's handshakes, one at a time: lines, vectors, the mailbox and the doorbell, completely explored. */
import { InterruptController } from "../../../bus/interrupt-controller.ts";
import { IntxPin } from "../../../bus/intx.ts";
import { MailboxBus, MailboxServer } from "../../../bus/mailbox.ts";
import { Msix } from "../../../bus/msix.ts";
import { Doorbell } from "../../../memory/doorbell.ts";
import { ISR } from "../../../wire/legacy-registers.ts";
import { MSIX, msiAddress } from "../../../wire/pci.ts";
import { site } from "../../../wire/sites.ts";
import { defineScenario, type Scenario, type ThreadContext, type ThreadProgram } from "../../scenario.ts";

const WORK = site("run: state");
const LINE = 0;
const VECTOR = 0x30;

const controllerOf = ({ control, plan }: ThreadContext): InterruptController =>
  new InterruptController(control, plan, 0, new Doorbell(control, plan.cpus[0]?.doorbell ?? 0));

const pinOf = (context: ThreadContext, index: number): IntxPin =>
  new IntxPin(context.control, context.plan, index, LINE, controllerOf(context));

/** Where device `index` says how much it has done. */
const workOf = ({ plan }: ThreadContext, index: number): number => plan.kickSummary + 4 * index;

const raiser =
  (index: number, times: number) =>
  (context: ThreadContext): ThreadProgram => {
    const pin = pinOf(context, index);
    return {
      run() {
        for (let done = 1; done <= times; done++) {
          context.control.store32(workOf(context, index), done, WORK);
          pin.raise(ISR.QUEUE);
        }
      },
    };
  };

/** The guest: sleeps until a line is up, reads and clears each ISR, then looks what was done. */
const acknowledge =
  (devices: number, times: number) =>
  (context: ThreadContext): ThreadProgram => {
    const bell = new Doorbell(context.control, context.plan.cpus[0]?.doorbell ?? 0);
    const controller = controllerOf(context);
    const pins = Array.from({ length: devices }, (_, index) => pinOf(context, index));
    const seen = pins.map(() => 0);
    const handle = (line: number): void => {
      do {
        pins.forEach((pin, index) => {
          if (pin.readAndClear() !== 0) seen[index] = context.control.load32(workOf(context, index), WORK);
        });
      } while (controller.asserted(line));
    };
    return {
      run() {
        context.begin();
        while (seen.some((work) => work < times)) {
          const ticket = bell.announce();
          if (controller.pending()) bell.cancel();
          else bell.sleep(ticket, Number.POSITIVE_INFINITY);
          controller.take(() => {}, handle);
        }
      },
      judge(ending, report) {
        if (ending === "quiescent" && seen.some((work) => work < times)) {
          report(
            "O1 quiescence",
            `the guest sleeps, and of ${times} works it has seen ${seen.join(" and ")}`,
          );
        }
      },
    };
  };

const intx = (devices: 1 | 2, times: number): Scenario =>
  defineScenario({
    name: `intx-${devices}${times > 1 ? `-${times}` : ""}`,
    summary: `${devices} device(s) raise one line ${times} time(s) each, a guest that acknowledges (letter G)`,
    functions: devices,
    threads: {
      guest: acknowledge(devices, times),
      device0: raiser(0, times),
      ...(devices === 2 ? { device1: raiser(1, times) } : {}),
    },
  });

function msixOf(context: ThreadContext): Msix {
  const own = context.plan.functions[0];
  if (own === undefined) throw new RangeError("no function 0");
  return new Msix(context.control, own, 1, [controllerOf(context)]);
}

/** A vector raised while the driver masks and unmasks it, or the function. */
const mask = (wholeFunction: boolean): Scenario =>
  defineScenario({
    name: wholeFunction ? "msix-function-mask" : "msix-mask",
    summary: `a vector is raised while ${wholeFunction ? "the function" : "it"} is masked and unmasked (letter H)`,
    threads: {
      host(context) {
        const msix = msixOf(context);
        const set = (masked: boolean): void => {
          if (wholeFunction) msix.writeControl(MSIX.enable | (masked ? MSIX.functionMask : 0));
          else msix.writeTable(MSIX.entryControl, masked ? MSIX.entryMasked : 0);
        };
        return {
          run() {
            msix.writeTable(MSIX.entryAddress, msiAddress(0));
            msix.writeTable(MSIX.entryData, VECTOR);
            msix.writeTable(MSIX.entryControl, 0);
            msix.writeControl(MSIX.enable);
            context.begin();
            set(true);
            set(false);
          },
          judge: (ending, report) => ending === "quiescent" && judgeDelivery(context, report),
        };
      },
      device(context) {
        const msix = msixOf(context);
        return { run: () => void msix.raise(0) };
      },
    },
  });

function judgeDelivery(context: ThreadContext, report: (oracle: string, text: string) => void): void {
  const { control, plan } = context;
  const vectors = plan.cpus[0]?.vectors ?? 0;
  const delivered = control.read32(vectors + 4 * (VECTOR >>> 5), 0) === 1 << (VECTOR & 31);
  const pending = control.read32(plan.functions[0]?.msixPending ?? 0, 0) !== 0;
  if (!delivered)
    report("O7 interrupts", `the message was not delivered${pending ? ", and is pending" : ""}`);
  if (delivered && pending) report("O7 interrupts", "the message was delivered and is pending too");
}

/** Posted writes, then a read: the read comes back after all of them were served. */
const mailbox = (writes: number): Scenario =>
  defineScenario({
    name: `mailbox-${writes}`,
    summary: `a read after ${writes} posted write(s), through the mailbox (letters E, F and I)`,
    threads: {
      guest(context) {
        const { control, plan } = context;
        const [own] = plan.cpus;
        if (own === undefined) throw new RangeError("no CPU 0");
        const bells = {
          host: new Doorbell(control, plan.hostDoorbell),
          cpu: new Doorbell(control, own.doorbell),
        };
        const bus = new MailboxBus(control, own, bells, undefined, {
          deadlineMs: Number.POSITIVE_INFINITY,
          spins: 0,
        });
        let answer = -1;
        return {
          run() {
            context.begin();
            for (let each = 1; each <= writes; each++) bus.out(0xc000, 4, each);
            answer = bus.in(0xc000, 4);
            if (answer !== writes) context.fail("O6 notifications", `the read overtook a write: ${answer}`);
          },
          judge(ending, report) {
            if (ending === "quiescent" && answer < 0) report("O1 quiescence", "the read never came back");
          },
        };
      },
      host(context) {
        const { control, plan } = context;
        const [cpu] = plan.cpus;
        if (cpu === undefined) throw new RangeError("no CPU 0");
        const server = new MailboxServer(control, cpu, new Doorbell(control, cpu.doorbell));
        const bell = new Doorbell(control, plan.hostDoorbell);
        let register = 0;
        const handler = {
          portRead: () => register,
          portWrite(_port: number, _width: number, value: number) {
            register = value;
          },
          mmioRead: () => 0,
          mmioWrite: () => {},
        };
        return {
          run() {
            for (let served = 0; served <= writes; ) {
              served += server.serve(handler);
              if (served > writes) return;
              const ticket = bell.announce();
              if (server.pending()) bell.cancel();
              else bell.sleep(ticket, Number.POSITIVE_INFINITY);
            }
          },
        };
      },
    },
  });

/** Work, ring; announce, look, sleep. */
const doorbell = (ringers: 1 | 2): Scenario => {
  const ringer =
    (index: number) =>
    (context: ThreadContext): ThreadProgram => {
      const bell = new Doorbell(context.control, context.plan.hostDoorbell);
      return {
        run() {
          context.control.or32(context.plan.kickSummary, 1 << index, WORK);
          bell.ring();
        },
      };
    };
  return defineScenario({
    name: `doorbell-${ringers}`,
    summary: `${ringers} thread(s) ring for one that goes to sleep (letter I)`,
    threads: {
      sleeper(context) {
        const bell = new Doorbell(context.control, context.plan.hostDoorbell);
        const all = 2 ** ringers - 1;
        let seen = 0;
        const look = (): number => context.control.load32(context.plan.kickSummary, WORK);
        return {
          run() {
            context.begin();
            for (seen = look(); seen !== all; seen = look()) {
              const ticket = bell.announce();
              if (look() !== seen) bell.cancel();
              else bell.sleep(ticket, Number.POSITIVE_INFINITY);
            }
          },
          judge(ending, report) {
            if (ending === "quiescent" && seen !== all) report("O1 quiescence", "asleep with work to do");
          },
        };
      },
      ringer: ringer(0),
      ...(ringers === 2 ? { other: ringer(1) } : {}),
    },
  });
};

export const busScenarios: readonly Scenario[] = [
  doorbell(1),
  doorbell(2),
  intx(1, 1),
  intx(1, 2),
  intx(2, 1),
  mask(false),
  mask(true),
  mailbox(1),
  mailbox(2),
];
