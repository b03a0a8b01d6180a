import { describe, expect, it } from "vitest";
import { IntxPin } from "../../src/bus/intx.ts";
import { ISR } from "../../src/wire/legacy-registers.ts";
import { controlPage } from "./mailbox-parts.ts";

const LINE = 2;

/** A line shared by functions 0 and 1; function 2 has the next one. */
function fixture() {
  const page = controlPage();
  const pin = (index: number, line: number) =>
    new IntxPin(page.memory, page.plan, index, line, page.controller);
  const first = pin(0, LINE);
  const second = pin(1, LINE);
  const other = pin(2, LINE + 1);
  const edges = () => {
    const lines: number[] = [];
    page.controller.take(
      () => {},
      (line) => lines.push(line),
    );
    return lines;
  };
  const level = (line = LINE) => page.controller.asserted(line);
  return { page, first, second, other, edges, level };
}

describe("an INTx line", () => {
  it("goes up with an ISR bit and down with the read that clears it", () => {
    const { first, edges, level } = fixture();
    first.raise(ISR.QUEUE);
    first.raise(ISR.CONFIG);
    expect([level(), edges(), first.peek()]).toEqual([true, [LINE], ISR.QUEUE | ISR.CONFIG]);
    expect(first.readAndClear()).toBe(ISR.QUEUE | ISR.CONFIG);
    expect([level(), edges(), first.readAndClear()]).toEqual([false, [], 0]);
  });

  it("stays up until the last function on it is quiet, and the other line is another matter", () => {
    const { first, second, other, edges, level } = fixture();
    first.raise(ISR.QUEUE);
    second.raise(ISR.QUEUE);
    other.raise(ISR.QUEUE);
    expect(edges()).toEqual([LINE, LINE + 1]);
    first.readAndClear();
    expect(level()).toBe(true);
    second.readAndClear();
    expect([level(), level(LINE + 1)]).toEqual([false, true]);
  });

  it("shows a function that asserts while another holds it to a guest that looks at the level again", () => {
    const { page, first, second, edges, level } = fixture();
    first.raise(ISR.QUEUE);
    expect(edges()).toEqual([LINE]);
    // The guest has passed the second function's handler when that function asserts: the line was up, so no edge.
    expect(second.readAndClear()).toBe(0);
    page.memory.inject("before", "isr: read and clear", () => second.raise(ISR.QUEUE));
    first.readAndClear();
    expect([edges(), level()]).toEqual([[], true]);
  });

  it("makes an edge again for a bit set between the clear and the lowering", () => {
    const { page, first, edges, level } = fixture();
    first.raise(ISR.QUEUE);
    edges();
    page.memory.inject("after", "isr: read and clear", () => first.raise(ISR.CONFIG));
    expect(first.readAndClear()).toBe(ISR.QUEUE);
    expect([level(), edges(), first.readAndClear()]).toEqual([true, [LINE], ISR.CONFIG]);
    expect(level()).toBe(false);
  });

  it.each([
    ["before", "isr: read and clear"],
    ["after", "isr: read and clear"],
    ["before", "intx: deassert line"],
    ["after", "intx: deassert line"],
    ["before", "isr: look again"],
    ["after", "isr: look again"],
  ] as const)("never stays down with an ISR bit set: raised %s “%s”", (when, label) => {
    const { page, first, level } = fixture();
    first.raise(ISR.QUEUE);
    page.memory.inject(when, label, () => first.raise(ISR.CONFIG));
    const seen = first.readAndClear();
    expect(page.memory.waiting).toBe(0);
    expect(seen | first.peek()).toBe(ISR.QUEUE | ISR.CONFIG);
    expect(level()).toBe(first.peek() !== 0);
  });

  it("never stays up for good without an ISR bit: cleared between the bit and the line", () => {
    const { page, first, level } = fixture();
    page.memory.inject("after", "isr: set", () => expect(first.readAndClear()).toBe(ISR.QUEUE));
    first.raise(ISR.QUEUE);
    // Spurious, and gone with the next read.
    expect([level(), first.readAndClear(), level()]).toEqual([true, 0, false]);
  });

  it("is not driven while INTx is disabled, and comes back with it", () => {
    const { first, edges, level } = fixture();
    first.raise(ISR.QUEUE);
    edges();
    first.enable(false);
    expect([level(), first.peek()]).toEqual([false, ISR.QUEUE]);
    first.raise(ISR.CONFIG);
    expect([level(), edges()]).toEqual([false, []]);
    first.enable(true);
    expect([level(), edges()]).toEqual([true, [LINE]]);
    expect(first.readAndClear()).toBe(ISR.QUEUE | ISR.CONFIG);
  });

  it("comes back quiet when the ISR was read meanwhile", () => {
    const { first, edges, level } = fixture();
    first.enable(false);
    first.raise(ISR.QUEUE);
    expect(first.readAndClear()).toBe(ISR.QUEUE);
    first.enable(true);
    expect([level(), edges()]).toEqual([false, []]);
  });

  it("is not lowered for the others by a function that is disabled or read", () => {
    const { first, second, level } = fixture();
    second.raise(ISR.QUEUE);
    first.enable(false);
    first.readAndClear();
    expect(level()).toBe(true);
  });
});
