import { describe, expect, it, vi } from "vitest";
import { Msix } from "../../src/bus/msix.ts";
import { MSIX, msiAddress } from "../../src/wire/pci.ts";
import { controlPage } from "./mailbox-parts.ts";

const VECTORS = 40;
/** Table entry under test, in the second pending word; its message is interrupt vector 100. */
const ENTRY = 35;
const MESSAGE = 100;
const CONTROL = ENTRY * MSIX.entryBytes + MSIX.entryControl;
const ENABLED = MSIX.enable;
const FUNCTION_MASKED = MSIX.enable | MSIX.functionMask;

function fixture() {
  const page = controlPage();
  const msix = new Msix(page.memory, page.function(1), VECTORS, [page.controller]);
  msix.writeTable(ENTRY * MSIX.entryBytes + MSIX.entryAddress, msiAddress(0));
  msix.writeTable(ENTRY * MSIX.entryBytes + MSIX.entryData, MESSAGE);
  /** Messages that arrived since the last look. */
  const messages = () => {
    const taken: number[] = [];
    page.controller.take(
      (vector) => taken.push(vector),
      () => {},
    );
    return taken;
  };
  const pendingBit = () => (msix.readPending(4) >>> (ENTRY - 32)) & 1;
  const mask = () => msix.writeTable(CONTROL, MSIX.entryMasked);
  const unmask = () => msix.writeTable(CONTROL, 0);
  return { page, msix, messages, pendingBit, mask, unmask };
}

describe("MSI-X of one function", () => {
  it("starts disabled, every entry masked and nothing pending", () => {
    const { msix } = fixture();
    expect([msix.enabled, msix.functionMasked, msix.readPending(0), msix.readPending(4)]).toEqual([
      false,
      false,
      0,
      0,
    ]);
    const controls = Array.from({ length: VECTORS }, (_, vector) =>
      msix.readTable(vector * MSIX.entryBytes + MSIX.entryControl),
    );
    expect(controls).toEqual(new Array(VECTORS).fill(MSIX.entryMasked));
  });

  it("sends the entry's message when nothing is masked", () => {
    const { msix, messages, unmask, pendingBit } = fixture();
    msix.writeControl(ENABLED);
    unmask();
    expect([msix.raise(ENTRY), messages(), pendingBit()]).toEqual([true, [MESSAGE], 0]);
  });

  it("knows no vector beyond its table", () => {
    const { msix, messages } = fixture();
    msix.writeControl(ENABLED);
    expect([msix.raise(VECTORS), msix.raise(0xffff), messages()]).toEqual([false, false, []]);
    msix.writeTable(VECTORS * MSIX.entryBytes + MSIX.entryControl, 0);
    expect([msix.readTable(VECTORS * MSIX.entryBytes), msix.readPending(8)]).toEqual([0, 0]);
  });

  it("keeps a masked vector pending and delivers it once when the vector is unmasked", () => {
    const { msix, messages, unmask, pendingBit } = fixture();
    msix.writeControl(ENABLED);
    msix.raise(ENTRY);
    msix.raise(ENTRY);
    expect([messages(), pendingBit()]).toEqual([[], 1]);
    unmask();
    expect([messages(), pendingBit()]).toEqual([[MESSAGE], 0]);
    unmask();
    expect(messages()).toEqual([]);
  });

  it("keeps it pending under the function mask too, until both masks are off", () => {
    const { msix, messages, mask, unmask, pendingBit } = fixture();
    msix.writeControl(FUNCTION_MASKED);
    unmask();
    msix.raise(ENTRY);
    expect([messages(), pendingBit()]).toEqual([[], 1]);
    mask();
    msix.writeControl(ENABLED);
    expect([messages(), pendingBit()]).toEqual([[], 1]);
    unmask();
    expect([messages(), pendingBit()]).toEqual([[MESSAGE], 0]);
  });

  it("delivers everything pending when the function is unmasked", () => {
    const { msix, messages } = fixture();
    msix.writeControl(FUNCTION_MASKED);
    for (const vector of [0, 31, 32, 39]) {
      msix.writeTable(vector * MSIX.entryBytes + MSIX.entryAddress, msiAddress(0));
      msix.writeTable(vector * MSIX.entryBytes + MSIX.entryData, vector);
      msix.writeTable(vector * MSIX.entryBytes + MSIX.entryControl, 0);
      msix.raise(vector);
    }
    msix.writeControl(ENABLED);
    expect(messages()).toEqual([0, 31, 32, 39]);
  });

  it("delivers pending ones with the message as it is now", () => {
    const { msix, messages, unmask } = fixture();
    msix.writeControl(ENABLED);
    msix.raise(ENTRY);
    msix.writeTable(ENTRY * MSIX.entryBytes + MSIX.entryData, 101);
    unmask();
    expect(messages()).toEqual([101]);
  });

  it("interrupts nobody with an address outside the interrupt range or of no CPU", () => {
    const { msix, messages, unmask } = fixture();
    msix.writeControl(ENABLED);
    unmask();
    for (const address of [0, 0x10_0000, msiAddress(1), msiAddress(200)]) {
      msix.writeTable(ENTRY * MSIX.entryBytes + MSIX.entryAddress, address);
      msix.raise(ENTRY);
    }
    expect(messages()).toEqual([]);
  });

  it("keeps only the bits of message control that can be written", () => {
    const { page, msix } = fixture();
    msix.writeControl(0xffff);
    expect(page.memory.load32(page.function(1).msixControl, 0)).toBe(FUNCTION_MASKED);
  });

  it("forgets everything at a reset", () => {
    const { msix, messages, unmask, pendingBit } = fixture();
    msix.writeControl(ENABLED);
    msix.raise(ENTRY);
    msix.reset();
    expect([msix.enabled, pendingBit()]).toEqual([false, 0]);
    msix.writeControl(ENABLED);
    unmask();
    expect(messages()).toEqual([]);
  });
});

/** Every access of a raise and of an unmask that another thread could come in before or after. */
const RAISE_SITES = ["msix: read control", "msix: read entry", "msix: set pending"] as const;
const UNMASK_SITES = [
  "msix: write entry",
  "msix: read control",
  "msix: read entry",
  "msix: read pending",
  "msix: take pending",
] as const;
const whenAnd = <Label>(labels: readonly Label[]) =>
  (["before", "after"] as const).flatMap((when) => labels.map((label) => [when, label] as const));

describe("a raise that races with the masks: delivered or pending, never neither, never both", () => {
  it.each(whenAnd(RAISE_SITES))("the vector is unmasked %s the raise's “%s”", (when, label) => {
    const { page, msix, messages, unmask, pendingBit } = fixture();
    msix.writeControl(ENABLED);
    page.memory.inject(when, label, unmask);
    msix.raise(ENTRY);
    expect([page.memory.waiting, messages(), pendingBit()]).toEqual([0, [MESSAGE], 0]);
  });

  it.each(whenAnd(RAISE_SITES))("the function is unmasked %s the raise's “%s”", (when, label) => {
    const { page, msix, messages, unmask, pendingBit } = fixture();
    msix.writeControl(FUNCTION_MASKED);
    unmask();
    // The entry is read only where the function turns out not to be masked.
    page.memory.inject(when, label === "msix: read entry" ? "msix: read control" : label, () =>
      msix.writeControl(ENABLED),
    );
    msix.raise(ENTRY);
    expect([page.memory.waiting, messages(), pendingBit()]).toEqual([0, [MESSAGE], 0]);
  });

  it.each(whenAnd(UNMASK_SITES))(
    "it is raised %s the unmask's “%s”, one pending already or not",
    (when, label) => {
      const quiet = fixture();
      quiet.msix.writeControl(ENABLED);
      quiet.page.memory.inject(when, label, () => quiet.msix.raise(ENTRY));
      quiet.unmask();
      // Nothing pending, nothing taken: that injection waits, and is then no race.
      if (quiet.page.memory.waiting === 0) expect(quiet.messages()).toEqual([MESSAGE]);
      expect(quiet.pendingBit()).toBe(0);

      const busy = fixture();
      busy.msix.writeControl(ENABLED);
      busy.msix.raise(ENTRY);
      busy.page.memory.inject(when, label, () => busy.msix.raise(ENTRY));
      busy.unmask();
      expect([busy.page.memory.waiting, busy.messages(), busy.pendingBit()]).toEqual([0, [MESSAGE], 0]);
    },
  );

  it("two who find the same bit pending deliver it once", () => {
    const { page, msix, messages, unmask, pendingBit } = fixture();
    msix.writeControl(ENABLED);
    msix.raise(ENTRY);
    page.memory.inject("before", "msix: take pending", () => msix.writeControl(ENABLED));
    // A message is two accesses, the vector's bit and its summary's; a third would be a second message.
    const again = vi.fn();
    page.memory.inject("before", "msi: post vector", again, 2);
    unmask();
    expect(again).not.toHaveBeenCalled();
    expect([messages(), pendingBit()]).toEqual([[MESSAGE], 0]);
  });

  it.each(whenAnd(["msix: read control", "msix: read entry"] as const))(
    "the vector is masked %s the raise's “%s”",
    (when, label) => {
      const { page, msix, messages, mask, unmask, pendingBit } = fixture();
      msix.writeControl(ENABLED);
      unmask();
      page.memory.inject(when, label, mask);
      msix.raise(ENTRY);
      expect(messages().length + pendingBit()).toBe(1);
    },
  );
});
