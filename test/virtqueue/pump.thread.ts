/** The device's side of the pump: answers every request, polling, or asleep until it is kicked. */
import { parentPort, workerData } from "node:worker_threads";
import type { Chain } from "../../src/host/virtqueue/chain.ts";
import { attachMemory } from "../../src/memory/attach.ts";
import { Doorbell } from "../../src/memory/doorbell.ts";
import { getU32, putU32 } from "../../src/wire/bytes.ts";
import {
  answer,
  awaitFlag,
  CONTROL,
  type PumpData,
  pumpSpare,
  REPLY_BYTES,
  REQUEST_BYTES,
  raiseFlag,
} from "./pump.data.ts";
import { queuePair } from "./queue-pair.ts";

const data = workerData.data as PumpData;
const control = attachMemory(data.control);
const deviceBell = new Doorbell(control, CONTROL.deviceBell);
const driverBell = new Doorbell(control, CONTROL.driverBell);
const { device, violations } = queuePair({
  ...data,
  memory: attachMemory(data.ram),
  spare: pumpSpare(data.size),
  onInterrupt: () => raiseFlag(control, driverBell, CONTROL.interrupted),
});

const request = new Uint8Array(REQUEST_BYTES);
const reply = new Uint8Array(REPLY_BYTES);
let served = 0;
function serve(chain: Chain): void {
  chain.read(0, request);
  putU32(reply, 0, answer(getU32(request, 0)));
  putU32(reply, 4, getU32(request, 4));
  device.push(chain, chain.write(0, reply));
  served++;
}

parentPort?.postMessage("ready");
if (data.sleeping) {
  while (served < data.buffers && !device.broken) {
    // Only a kick wakes it: a missed one is a test that fails.
    if (!awaitFlag(control, deviceBell, CONTROL.kicked)) break;
    device.serve(serve);
  }
} else {
  while (served < data.buffers && !device.broken) {
    for (let chain = device.pop(); chain !== undefined; chain = device.pop()) serve(chain);
    device.flush();
  }
}
parentPort?.postMessage({ served, violations });
