import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { ofProcess, TemporaryFolder } from "../../src/machine/temporary-folder.ts";

test("a temporary folder replaces those of its kind whose process is no more, and no others, nor another host's", () => {
  const parent = mkdtempSync(join(tmpdir(), "virtlab-test-"));
  const { pid: gone } = spawnSync(process.execPath, ["--version"]);
  const others = [
    `${ofProcess("a", 1)}living`,
    `${ofProcess("a", process.pid)}own`,
    `${ofProcess("b", gone)}other-kind`,
    `${ofProcess("a", gone, `${hostname()}-2`)}other-host`,
    `a-${gone}-nobody-knows`,
    "a-file",
  ];
  for (const name of [...others, `${ofProcess("a", gone)}left`]) mkdirSync(join(parent, name));
  const folder = new TemporaryFolder("a", parent);
  expect(readdirSync(parent).sort()).toEqual([...others, basename(folder.path)].sort());
  mkdirSync(join(folder.path, "more"));
  folder.remove();
  expect(readdirSync(parent).sort()).toEqual(others.sort());
  rmSync(parent, { recursive: true });
});
