// A device of one's own, the driver of its test, and the scenario that both run in: `virtlab hunt --file ./doubler.mjs`.
import {
  attachQueue,
  defineScenario,
  GuestCpu,
  HuntedHost,
  QUEUE_IRQ,
  ringsInOrder,
  ScatterList,
  site,
} from "virtlab/hunt";

const SIZE = 4;
const ring = ringsInOrder(SIZE, 0);
const BUFFER = site("driver: buffer");

/** Answers each number with its double. */
class Doubler {
  features = 0;
  queues = [{ name: "numbers" }];

  queueNotified(queue) {
    this.serve(queue);
    queue.enableNotifications();
  }

  serve(queue) {
    queue.disableNotifications();
    for (let chain = queue.pop(); chain !== undefined; chain = queue.pop()) {
      const number = new Uint8Array(1);
      chain.read(0, number);
      queue.push(chain, chain.write(0, Uint8Array.of(2 * number[0])));
    }
    queue.flush();
  }

  reset() {}
}

/** Asks for doubles, and collects them in its interrupt handler. */
class Asker {
  waiting = new Set();

  constructor(context) {
    this.context = context;
  }

  attach(queue) {
    this.queue = queue;
  }

  ask(number) {
    const { ram } = this.context;
    const address = ring.end(1) + 16 * number;
    ram.memory.write8(address - ram.base, number, BUFFER);
    this.queue.add(new ScatterList().addReadable(address, 1).addWritable(address + 8, 1), number);
    this.waiting.add(number);
    this.queue.kick();
  }

  collect() {
    const { ram, fail } = this.context;
    do {
      this.queue.disableCallbacks();
      for (let number = this.queue.get(); number !== undefined; number = this.queue.get()) {
        const answer = ram.memory.read8(ring.end(1) + 16 * number + 8 - ram.base, BUFFER);
        if (answer !== 2 * number) fail("O3 stamps", `twice ${number} was said to be ${answer}`);
        this.waiting.delete(number);
      }
    } while (!this.queue.enableCallbacks());
  }
}

export default defineScenario({
  name: "doubler",
  summary: "two numbers, doubled",
  processors: { guest: 0 },
  threads: {
    guest(context) {
      const cpu = new GuestCpu(context);
      const asker = new Asker(context);
      attachQueue(context, cpu, asker, { ring, size: SIZE, irq: QUEUE_IRQ });
      const process = () => {
        context.begin();
        for (const number of [1, 2]) cpu.locked(() => asker.ask(number));
        while (asker.waiting.size > 0) cpu.idle();
      };
      return cpu.program(process, {
        judge(_ending, report) {
          if (asker.waiting.size > 0) report("O1 quiescence", `no answer to ${[...asker.waiting]}`);
        },
      });
    },
    host(context) {
      const model = new Doubler();
      return new HuntedHost(context, [{ model, msixVectors: 2, ready: ring, queueSize: SIZE }]).program();
    },
  },
});
