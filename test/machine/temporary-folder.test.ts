import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { hostWord, TemporaryFolder } from "../../src/machine/temporary-folder.ts";

test("a temporary folder replaces those of its kind whose process is no more, and no others, nor another host's", () => {
  const parent = mkdtempSync(join(tmpdir(), "virtlab-test-"));
  const { pid: gone } = spawnSync(process.execPath, ["--version"]);
  const [here, elsewhere] = [hostname(), `${hostname()}-2`].map(hostWord);
  const others = [
    ...[`a-${here}-1-living`, `a-${here}-${process.pid}-own`, `b-${here}-${gone}-other-kind`, "a-file"],
    ...[`a-${elsewhere}-${gone}-other-host`, `a-${gone}-nobody-knows`],
  ];
  for (const name of [...others, `a-${here}-${gone}-left`]) mkdirSync(join(parent, name));
  const folder = new TemporaryFolder("a", parent);
  expect(readdirSync(parent).sort()).toEqual([...others, basename(folder.path)].sort());
  mkdirSync(join(folder.path, "more"));
  folder.remove();
  expect(readdirSync(parent).sort()).toEqual(others.sort());
  rmSync(parent, { recursive: true });
});
