import { afterEach, describe, expect, it } from "vitest";
import { startThread, type Thread } from "../support/thread.ts";
import { DONE, POSTED, SOURCES, VECTORS } from "./interrupts.data.ts";
import { controlPage } from "./mailbox-parts.ts";

type Page = ReturnType<typeof controlPage>;

function take(page: Page): string[] {
  const taken: string[] = [];
  page.controller.take(
    (vector) => taken.push(`vector ${vector}`),
    (line) => taken.push(`line ${line}`),
  );
  return taken;
}

describe("InterruptController, stepped", () => {
  it("has nothing to take at first", () => {
    const page = controlPage();
    expect([page.controller.pending(), take(page)]).toEqual([false, []]);
  });

  it("gives every vector and every line, each once", () => {
    for (let vector = 0; vector < VECTORS; vector++) {
      const page = controlPage();
      page.controller.post(vector);
      page.controller.post(vector);
      expect([take(page), take(page)]).toEqual([[`vector ${vector}`], []]);
    }
    const page = controlPage();
    for (const line of [0, 1, 2, 3]) page.controller.postLine(line);
    expect(take(page)).toEqual(["line 0", "line 1", "line 2", "line 3"]);
  });

  it("gives many at once", () => {
    const page = controlPage();
    for (const vector of [255, 31, 32, 0]) page.controller.post(vector);
    page.controller.postLine(2);
    expect(take(page)).toEqual(["vector 0", "vector 31", "vector 32", "vector 255", "line 2"]);
  });

  it("loses nothing that is posted between its bit and its summary, or while others are taken", () => {
    const page = controlPage();
    const early: string[] = [];
    page.memory.inject("after", "msi: post vector", () => early.push(...take(page)));
    page.controller.post(9);
    expect([...early, ...take(page)]).toEqual(["vector 9"]);
    page.controller.post(1);
    page.memory.inject("after", "msi: take vectors", () => page.controller.post(2));
    const both = [...take(page), ...take(page)];
    expect(both).toEqual(["vector 1", "vector 2"]);
  });

  it("may be taken again from within", () => {
    const page = controlPage();
    const taken: number[] = [];
    page.controller.post(1);
    page.controller.post(40);
    page.controller.take(
      (vector) => {
        taken.push(vector);
        page.controller.take(
          (inner) => taken.push(inner),
          () => {},
        );
      },
      () => {},
    );
    expect(taken.sort((a, b) => a - b)).toEqual([1, 40]);
  });
});

describe("InterruptController between threads", () => {
  let thread: Thread<string> | undefined;
  afterEach(async () => {
    await thread?.stop();
  });

  it("loses no interrupt and invents none", async () => {
    const page = controlPage();
    const { memory, controller, cpuBell } = page;
    const data = { buffer: memory.buffer, posts: 300_000 };
    thread = startThread<string>(new URL("interrupts.thread.ts", import.meta.url), data);
    await thread.next();
    /** Per source: how often it was taken, and what its counter said when it was taken last. */
    const taken = new Array<number>(SOURCES).fill(0);
    const seen = new Array<number>(SOURCES).fill(0);
    const posted = (source: number) => memory.load32(page.spare(POSTED + source), 0);
    const note = (source: number) => {
      taken[source] = (taken[source] ?? 0) + 1;
      seen[source] = posted(source);
    };
    const done = () => memory.load32(page.spare(DONE), 0) === 1;
    for (let finished = false; !finished; ) {
      finished = done();
      controller.take(note, (line) => note(VECTORS + line));
      const ticket = cpuBell.announce();
      if (finished || done() || controller.pending()) cpuBell.cancel();
      else expect(cpuBell.sleep(ticket, 10_000)).not.toBe("timed-out");
    }
    await thread.ended();
    const all = Array.from({ length: SOURCES }, (_, source) => posted(source));
    // Seen at least once after the last post; never more often than posted.
    expect(seen).toEqual(all);
    expect(taken.filter((count, source) => count > (all[source] ?? 0))).toEqual([]);
  });
});
