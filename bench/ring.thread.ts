/** The device's side of the ring bench: takes buffers and gives them back, polling or asleep until it is kicked. */

import { attachMemory } from "../src/memory/attach.ts";
import { Doorbell } from "../src/memory/doorbell.ts";
import { queuePair } from "../test/virtqueue/queue-pair.ts";
import { patience } from "./harness/patience.ts";
import { servePeer } from "./harness/peer.ts";
import { awaitFlag, CONTROL, type RingCounts, type RingData, raiseFlag } from "./ring.data.ts";

interface Round {
  readonly round: number;
  readonly count: number;
}

servePeer<RingData, Round>((data) => {
  const control = attachMemory(data.control);
  const deviceBell = new Doorbell(control, CONTROL.deviceBell);
  const driverBell = new Doorbell(control, CONTROL.driverBell);
  const { batch } = data;
  const { device, violations } = queuePair({
    ...data,
    memory: attachMemory(data.ram),
    onInterrupt: () => raiseFlag(control, driverBell, CONTROL.interrupted),
  });
  let checksum = 0;
  let spurious = 0;

  /** One chain; false: there is none. */
  function serveOne(): boolean {
    const chain = device.pop();
    if (chain === undefined) return false;
    checksum += chain.writableBytes;
    device.push(chain, chain.writableBytes);
    return true;
  }

  /** Everything available, published once per batch; how many there were. */
  function serveAvailable(): number {
    let served = 0;
    while (serveOne()) if (++served % batch === 0) device.flush();
    device.flush();
    return served;
  }

  function poll(count: number): void {
    let sum = 0;
    let unpublished = 0;
    for (let served = 0, looks = 0; served < count && !device.broken; ) {
      const chain = device.pop();
      if (chain === undefined) looks = patience(looks);
      else {
        looks = 0;
        sum += chain.writableBytes;
        device.push(chain, chain.writableBytes);
        served++;
        unpublished++;
      }
      // One place that publishes: the engine puts only so much code into a loop.
      if (unpublished === batch || (unpublished > 0 && (chain === undefined || served === count))) {
        device.flush();
        unpublished = 0;
      }
    }
    checksum += sum;
  }

  function sleep(count: number): void {
    for (let served = 0; served < count && !device.broken; ) {
      awaitFlag(control, deviceBell, CONTROL.kicked, data.spins);
      const before = served;
      do {
        device.disableNotifications();
        served += serveAvailable();
      } while (device.enableNotifications());
      if (served === before) spurious++;
    }
  }

  return ({ round, count }): RingCounts => {
    const before = device.counters.interruptsSent;
    checksum = 0;
    spurious = 0;
    control.store32(CONTROL.round, round, 0);
    if (data.wait === "poll") poll(count);
    else sleep(count);
    return { checksum, violations, spurious, interrupts: device.counters.interruptsSent - before };
  };
});
