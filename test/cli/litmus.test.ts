import { expect, it, vi } from "vitest";
import { cliHere } from "../support/cli.ts";

/** Ctrl-C at the first word of output. */
async function interrupted(...args: string[]) {
  const running = cliHere("litmus", ...args);
  const write = vi.mocked(process.stdout.write);
  const keep = write.getMockImplementation() as NonNullable<ReturnType<typeof write.getMockImplementation>>;
  write.mockImplementation((data) => {
    write.mockImplementation(keep);
    process.emit("SIGINT");
    return process.stdout.write(data);
  });
  return await running;
}

it.each([[[]], [["--live", "0.01"]]])(
  "virtlab litmus 1 2 %j that is interrupted after the first has that one",
  async (live) => {
    const { code, stdout } = await interrupted("1", "2", ...live);
    expect(stdout.match(/^\d+\. /gm)).toEqual(["1. "]);
    expect(code).toBe(130);
  },
);

it.each([[[]], [["--live", "600"]]])(
  "virtlab litmus 1 %j that is interrupted at once prints whole JSON",
  async (live) => {
    const running = cliHere("litmus", "1", ...live, "--json");
    process.emit("SIGINT");
    const { code, stdout } = await running;
    expect(JSON.parse(stdout)).toEqual([]);
    expect(code).toBe(130);
  },
);
