import { describe, expect, it } from "vitest";
import { DirectBus } from "../../src/bus/direct-bus.ts";
import { MAX_QUEUES } from "../../src/memory/plan.ts";
import { controlPage, FUNCTIONS } from "./mailbox-parts.ts";
import { RegisterFile } from "./register-file.ts";

const PORT = 0xc010;

function fixture() {
  const page = controlPage();
  const receiver = page.kickReceiver();
  const take = () => {
    const taken: string[] = [];
    receiver.take((functionIndex, queue) => taken.push(`${functionIndex}/${queue}`));
    return taken;
  };
  return { page, sender: page.kickSender(), receiver, take };
}

describe("the kick fast path", () => {
  it("is off until the notify port is published, and for other ports", () => {
    const { sender, receiver, take } = fixture();
    expect([sender.tryKick(PORT, 0), sender.tryKick(0, 0)]).toEqual([false, false]);
    receiver.publish(1, PORT, 2);
    expect([sender.tryKick(PORT, 1), sender.tryKick(PORT + 2, 1), sender.tryKick(0, 0)]).toEqual([
      true,
      false,
      false,
    ]);
    expect([take(), take()]).toEqual([["1/1"], []]);
  });

  it("leaves a queue that does not exist to the slow path, which reports it", () => {
    const { sender, receiver, take } = fixture();
    receiver.publish(0, PORT, 2);
    expect([sender.tryKick(PORT, 2), sender.tryKick(PORT, 0xffff)]).toEqual([false, false]);
    expect(take()).toEqual([]);
  });

  it("follows a port that moves, and ends with it", () => {
    const { sender, receiver, take } = fixture();
    receiver.publish(2, PORT, 1);
    receiver.publish(2, 0xd010, 1);
    expect([sender.tryKick(PORT, 0), sender.tryKick(0xd010, 0)]).toEqual([false, true]);
    receiver.publish(2, 0, 1);
    expect(sender.tryKick(0xd010, 0)).toBe(false);
    expect(take()).toEqual(["2/0"]);
  });

  it("keeps functions and queues apart, and gives many kicks as one", () => {
    const { sender, receiver, take } = fixture();
    for (let index = 0; index < FUNCTIONS; index++) receiver.publish(index, PORT + 64 * index, MAX_QUEUES);
    for (const queue of [0, 31, 31, 32, 127]) sender.tryKick(PORT, queue);
    sender.tryKick(PORT + 128, 64);
    expect(receiver.pending()).toBe(true);
    expect(take()).toEqual(["0/0", "0/31", "0/32", "0/127", "2/64"]);
    expect(receiver.pending()).toBe(false);
  });

  it("never sets a bit beyond the bitmap, whatever a function claims to have", () => {
    const { page, sender, receiver } = fixture();
    receiver.publish(0, PORT, 5 * MAX_QUEUES);
    const notifyPort = () => page.memory.load32(page.function(0).notifyPort, 0);
    const before = notifyPort();
    expect(sender.tryKick(PORT, MAX_QUEUES - 1)).toBe(true);
    expect(sender.tryKick(PORT, 4 * MAX_QUEUES)).toBe(false);
    expect(notifyPort()).toBe(before);
  });

  it("loses no kick that comes while kicks are taken", () => {
    const { page, sender, receiver, take } = fixture();
    receiver.publish(0, PORT, 4);
    sender.tryKick(PORT, 0);
    page.memory.inject("after", "kick: take bits", () => sender.tryKick(PORT, 1), 1);
    const first = take();
    expect([...first, ...take()]).toEqual(["0/0", "0/1"]);
  });

  it("loses no kick between its bit and its summary", () => {
    const { page, sender, receiver, take } = fixture();
    receiver.publish(0, PORT, 4);
    const early: string[][] = [];
    page.memory.inject("after", "kick: set bit", () => early.push(take()));
    sender.tryKick(PORT, 3);
    expect([...early.flat(), ...take()]).toEqual(["0/3"]);
  });

  it("takes only 16-bit writes from the direct bus, as the register is", () => {
    const { page, sender, receiver, take } = fixture();
    receiver.publish(0, PORT, 4);
    const registers = new RegisterFile(page.memory, page.spare(0));
    const bus = new DirectBus(registers, sender);
    bus.out(PORT, 2, 1);
    bus.out(PORT, 1, 2);
    bus.out(PORT, 4, 3);
    expect(take()).toEqual(["0/1"]);
    expect(registers.log.map(({ value }) => value)).toEqual([2, 3]);
  });
});
