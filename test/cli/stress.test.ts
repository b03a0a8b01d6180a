import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { cliHere } from "../support/cli.ts";

describe("virtlab stress", () => {
  it("prints stable keys", async () => {
    const { code, stdout } = await cliHere(
      ...["stress", "--seconds", "1", "--machines", "1", "--seed", "3", "--json"],
    );
    const keys = [
      ...["findings", "machines", "actions", "bytesVerified", "resets", "unplugs", "workerKills"],
      ...["heapSlope", "handleSlope"],
    ];
    expect(Object.keys(JSON.parse(stdout))).toEqual(expect.arrayContaining(keys));
    expect(code).toBe(0);
  });

  it.each([
    [["--only", "blk,flppy"], "expected one of blk, rng, net, console, balloon"],
    [["--junit", fileURLToPath(new URL(".", import.meta.url))], "cannot be written"],
    [["--machines", "0"], "expected at least 1"],
    [["--seconds", "soon"], 'expected a whole number, got "soon"'],
  ])("refuses %j: exit code 2", async (args, message) => {
    const { code, stderr } = await cliHere("stress", ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});
