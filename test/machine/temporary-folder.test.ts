import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { TemporaryFolder } from "../../src/machine/temporary-folder.ts";

test("a temporary folder replaces those of its kind whose process is no more, and no others", () => {
  const parent = mkdtempSync(join(tmpdir(), "virtlab-test-"));
  const { pid: gone } = spawnSync(process.execPath, ["--version"]);
  const others = ["a-1-living", `a-${process.pid}-own`, `b-${gone}-other-kind`, "a-file"];
  for (const name of [...others, `a-${gone}-left`]) mkdirSync(join(parent, name));
  const folder = new TemporaryFolder("a", parent);
  expect(readdirSync(parent).sort()).toEqual([...others, basename(folder.path)].sort());
  mkdirSync(join(folder.path, "more"));
  folder.remove();
  expect(readdirSync(parent).sort()).toEqual(others.sort());
  rmSync(parent, { recursive: true });
});
