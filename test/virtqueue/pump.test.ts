/** Two real threads and many buffers through one queue: nothing lost, nothing torn, nobody left asleep. */
import { afterEach, describe, expect, it } from "vitest";
import { ScatterList } from "../../src/guest/virtqueue/scatter-list.ts";
import { allocateShared, attachMemory } from "../../src/memory/attach.ts";
import { Doorbell } from "../../src/memory/doorbell.ts";
import { startThread, type Thread } from "../support/thread.ts";
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
import { queuePair, ramBytes } from "./queue-pair.ts";

type Message = "ready" | { served: number; violations: string[] };

const SLOT_BYTES = 64;

interface PumpOptions {
  readonly size: number;
  readonly indirect: boolean;
  readonly eventIndex: boolean;
  readonly sleeping: boolean;
  readonly buffers: number;
  /** Uses delayed callbacks where it sleeps. */
  readonly delayed?: boolean;
}

let thread: Thread<Message> | undefined;
afterEach(async () => {
  await thread?.stop();
});

/** Sends the numbers 0, 1, 2, … and checks each answer; returns how many came back right. */
async function pump(options: PumpOptions) {
  const { size, sleeping, buffers, delayed = false } = options;
  const ram = attachMemory(allocateShared(ramBytes(size, pumpSpare(size))));
  const control = attachMemory(allocateShared(CONTROL.bytes));
  const deviceBell = new Doorbell(control, CONTROL.deviceBell);
  const driverBell = new Doorbell(control, CONTROL.driverBell);
  const pair = queuePair({
    ...options,
    memory: ram,
    spare: pumpSpare(size),
    onKick: () => raiseFlag(control, deviceBell, CONTROL.kicked),
  });
  const { driver } = pair;
  const data: PumpData = { ...options, ram: ram.buffer, control: control.buffer };
  thread = startThread<Message>(new URL("pump.thread.ts", import.meta.url), data);
  await thread.next();

  const first = pair.buffers - pair.ram.base;
  const slots = Array.from({ length: size }, (_, slot) => slot);
  const numbers = new Array<number>(size).fill(0);
  const list = new ScatterList();
  let sent = 0;
  let right = 0;
  const send = (): void => {
    for (let slot = slots.pop(); slot !== undefined && sent < buffers; slot = slots.pop()) {
      const at = first + slot * SLOT_BYTES;
      ram.write32(at, sent, 0);
      ram.write32(at + 4, ~sent, 0);
      const address = pair.ram.addressOf(at);
      list
        .clear()
        .addReadable(address, REQUEST_BYTES)
        .addWritable(address + REQUEST_BYTES, REPLY_BYTES);
      if (!driver.add(list, slot)) {
        slots.push(slot);
        return;
      }
      numbers[slot] = sent++;
    }
  };
  const receive = (): boolean => {
    const slot = driver.get();
    if (slot === undefined) return false;
    const at = first + slot * SLOT_BYTES + REQUEST_BYTES;
    const number = numbers[slot] ?? -1;
    const fits = driver.lastLength === REPLY_BYTES && ram.read32(at + 4, 0) === ~number >>> 0;
    if (fits && ram.read32(at, 0) === answer(number)) right++;
    slots.push(slot);
    return true;
  };

  driver.disableCallbacks();
  for (let received = 0; received < buffers && driver.broken === undefined; ) {
    send();
    if (sleeping) driver.kick();
    else driver.publish();
    while (receive()) received++;
    const room = sent < buffers && driver.freeDescriptors >= (options.indirect ? 1 : 2);
    if (!sleeping || received >= buffers || room) continue;
    const quiet = delayed ? driver.enableCallbacksDelayed() : driver.enableCallbacks();
    if (quiet && !awaitFlag(control, driverBell, CONTROL.interrupted)) break;
    driver.disableCallbacks();
  }
  const end = await thread.next();
  return { right, end, broken: driver.broken };
}

const BUFFERS = 200_000;

describe("two threads and one queue", () => {
  it.each([
    { size: 256, indirect: false, eventIndex: false },
    { size: 4, indirect: true, eventIndex: true },
  ])("polling, size $size, indirect $indirect", async (shape) => {
    const result = await pump({ ...shape, sleeping: false, buffers: BUFFERS });
    expect(result).toEqual({ right: BUFFERS, end: { served: BUFFERS, violations: [] }, broken: undefined });
  });

  it.each([
    { size: 256, indirect: false, eventIndex: true, delayed: false },
    { size: 64, indirect: true, eventIndex: true, delayed: true },
    { size: 64, indirect: true, eventIndex: false, delayed: false },
  ])("sleeping, size $size, event index $eventIndex, delayed callbacks $delayed", async (shape) => {
    const result = await pump({ ...shape, sleeping: true, buffers: BUFFERS });
    expect(result).toEqual({ right: BUFFERS, end: { served: BUFFERS, violations: [] }, broken: undefined });
  });

  it("sleeping for each buffer: size 1", async () => {
    const each = 5_000;
    const result = await pump({ size: 1, indirect: true, eventIndex: true, sleeping: true, buffers: each });
    expect(result).toEqual({ right: each, end: { served: each, violations: [] }, broken: undefined });
  });
});
