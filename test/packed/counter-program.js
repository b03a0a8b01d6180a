// A guest program in plain JavaScript, with its own driver: asks the counter device a few times.
import { defineDriver, defineGuest, ScatterList } from "virtlab/guest";

const counter = defineDriver({
  name: "counter",
  deviceId: 42,
  features: 0,
  probe(device) {
    const waiting = [];
    const [queue] = device.transport.findQueues([
      {
        name: "requests",
        callback() {
          do {
            queue.disableCallbacks();
            for (let done = queue.get(); done !== undefined; done = queue.get()) waiting.shift()(done);
          } while (!queue.enableCallbacks());
        },
      },
    ]);
    return {
      next() {
        const address = device.memory.allocate(1);
        queue.add(new ScatterList().addWritable(address, 1), address);
        queue.kick();
        return new Promise((resolve) => waiting.push((done) => resolve(device.memory.read8(done))));
      },
    };
  },
  remove(device) {
    device.transport.reset();
    device.transport.deleteQueues();
  },
});

export default defineGuest(async ({ virtio, args, log }) => {
  virtio.registerDriver(counter);
  const device = virtio.find(counter);
  const seen = [];
  for (let turn = 0; turn < Number(args[0]); turn++) seen.push(await device.next());
  log(`counted ${seen.join(" ")}`);
  if (seen.at(-1) !== Number(args[0])) throw new Error(`expected to count to ${args[0]}, got ${seen}`);
  return seen;
});
