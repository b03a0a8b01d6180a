import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { cliHere } from "../support/cli.ts";

const folder = mkdtempSync(join(tmpdir(), "virtlab-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

it.each([
  [["toString"], "expected one of device, driver"],
  [["device", "rng", "--corpus"], "line 2: expected"],
])("virtlab attack refuses %j: exit code 2", async (args, message) => {
  const corpus = join(folder, "rounds.jsonl");
  writeFileSync(corpus, '{"attack":"device","device":"rng","round":1,"why":"new code"}\nnull\n');
  const { code, stderr } = await cliHere("attack", ...args, ...(args.at(-1) === "--corpus" ? [corpus] : []));
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});
