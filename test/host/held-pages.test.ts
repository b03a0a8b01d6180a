/** Pages that balloons hold: several of them share one RAM. */
import { expect, test } from "vitest";
import { HeldPages } from "../../src/host/held-pages.ts";

const PAGES = 16;

test("a page that one balloon's driver has given back, and not been heard yet, is there for another to take", () => {
  const all = new HeldPages(PAGES * 4096);
  let returned: number | undefined;
  const first = all.holder(() => {
    if (returned !== undefined) first.give(returned);
    returned = undefined;
  });
  const second = all.holder(() => {});
  expect(first.take(3)).toBe(true);
  expect(second.take(3)).toBe(false);
  returned = 3;
  expect(second.take(3)).toBe(true);
  expect([first.count, second.count, all.count]).toEqual([0, 1, 1]);
});

test("balloons that come and go, more often than a byte counts, do not take each other's pages for their own", () => {
  const all = new HeldPages(PAGES * 4096);
  const stays = all.holder(() => {});
  stays.take(0);
  for (let turn = 0; turn < 600; turn++) {
    const comes = all.holder(() => {});
    expect([comes.take(0), comes.take(1)]).toEqual([false, true]);
    comes.close();
    expect(all.count).toBe(1);
  }
});
