/** One thread asks another and waits until it has done what it was asked (letter M), completely explored. */
import { ThreadCallee, ThreadCaller } from "../../../bus/thread-call.ts";
import { Doorbell } from "../../../memory/doorbell.ts";
import { site } from "../../../wire/sites.ts";
import { defineScenario, type Scenario, type ThreadContext } from "../../scenario.ts";

const ASKED = site("driver: buffer");
const ANSWERED = site("device: buffer");
/** In guest RAM: what travels beside the call, both ways. */
const REQUEST = 0;
const ANSWER = 4;
const answerTo = (request: number): number => 0x100 + request;

function wordsOf({ plan }: ThreadContext) {
  const [asking, asked] = plan.cpus;
  if (asking === undefined || asked === undefined) throw new RangeError("two CPUs are needed");
  return { asking, asked };
}

const calls = (count: number): Scenario =>
  defineScenario({
    name: `call-${count}`,
    summary: `${count} call(s) of one thread to another, waited for (letters I and M)`,
    cpus: 2,
    threads: {
      asking(context) {
        const { asking, asked } = wordsOf(context);
        const { control, ram } = context;
        const callee = new Doorbell(control, asked.doorbell);
        const own = new Doorbell(control, asking.doorbell);
        const caller = new ThreadCaller(control, asked, () => callee.ring(), own, { spins: 0 });
        let done = 0;
        return {
          run() {
            context.begin();
            for (; done < count; done++) {
              ram.memory.write32(REQUEST, done, ASKED);
              caller.ask(Number.POSITIVE_INFINITY);
              const answer = ram.memory.read32(ANSWER, ANSWERED);
              if (answer !== answerTo(done)) context.fail("O3 stamps", `call ${done} was answered ${answer}`);
            }
          },
          judge(ending, report) {
            if (ending === "quiescent" && done < count)
              report("O1 quiescence", `${done} of ${count} calls ended`);
          },
        };
      },
      asked(context) {
        const { asking, asked } = wordsOf(context);
        const { control, ram } = context;
        const bell = new Doorbell(control, asked.doorbell);
        const callee = new ThreadCallee(control, asked, new Doorbell(control, asking.doorbell));
        let served = 0;
        const perform = (): void => {
          const request = ram.memory.read32(REQUEST, ASKED);
          ram.memory.write32(ANSWER, answerTo(request), ANSWERED);
          served++;
        };
        return {
          run() {
            while (served < count) {
              if (callee.take(perform)) continue;
              const ticket = bell.announce();
              if (callee.pending()) bell.cancel();
              else bell.sleep(ticket, Number.POSITIVE_INFINITY);
            }
          },
        };
      },
    },
  });

export const callScenarios: readonly Scenario[] = [calls(1), calls(2)];
