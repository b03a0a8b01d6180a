import { expect, it, vi } from "vitest";
import { Progress } from "../../src/cli/progress.ts";

it("shows the cursor again when the process ends in the middle", () => {
  const terminal = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const { isTTY } = process.stderr;
  process.stderr.isTTY = true;
  const before = process.listeners("exit");
  new Progress(true).update("reading", 1, 2);
  const [atExit] = process.listeners("exit").filter((listener) => !before.includes(listener));
  const shown = () => terminal.mock.calls.flat().join("").includes("\x1b[?25h");
  expect(shown()).toBe(false);
  atExit?.(130);
  expect(shown()).toBe(true);
  process.stderr.isTTY = isTTY;
  terminal.mockRestore();
});
