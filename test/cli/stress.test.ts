import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { XMLParser } from "fast-xml-parser";
import { afterAll, describe, expect, it } from "vitest";
import { cliHere, startCli } from "../support/cli.ts";

const own = (name: string) => fileURLToPath(new URL(`../stress/own/${name}.ts`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "virtlab-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("virtlab stress", () => {
  it("prints stable keys", async () => {
    const { code, stdout } = await cliHere(
      ...["stress", "--seconds", "1", "--machines", "1", "--seed", "3", "--json"],
    );
    const keys = [
      ...["findings", "machines", "actions", "bytesVerified", "resets", "unplugs", "workerKills"],
      ...[
        "heapSlope",
        "handleSlope",
        "residentSlope",
        "cutShort",
        "failure",
        "seed",
        "seconds",
        "byAction",
        "kicks",
        "interrupts",
      ],
    ];
    expect(Object.keys(JSON.parse(stdout)).sort()).toEqual(keys.sort());
    expect(code).toBe(0);
  });

  it("has exit code 1 in a pipeline when it found something, the line that repeats it, and JUnit that a parser reads", () => {
    const file = join(folder, "found.xml");
    const words = ["stress", "--device", own("throwing-device"), "--driver", own("upper-driver")];
    const limits = ["--fail-fast", "--seconds", "600", "--seed", "1", "--machines", "1", "--junit", file];
    const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
    const virtlab = [process.execPath, "--import", "tsx", main, ...words, ...limits].join("' '");
    const run = spawnSync("bash", ["-c", `set -o pipefail; '${virtlab}' | cat`], { encoding: "utf8" });
    expect(run.status).toBe(1);
    expect(run.stdout).toContain("finding: crashed: the host worker ended: not what I expected");
    expect(run.stdout).toMatch(/^again: virtlab stress --seed \d+ --episodes 1 --machines 1 --device \S+/m);
    const parsed = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: "" });
    const { testsuites } = parsed.parse(readFileSync(file, "utf8"));
    expect(testsuites).toMatchObject({ failures: "1" });
  });

  it("ends on Ctrl-C with what it has, and says so with its exit code", async () => {
    const file = join(folder, "begun.xml");
    const { child, done } = startCli([
      "stress",
      "--seconds",
      "600",
      "--seed",
      "3",
      "--json",
      "--junit",
      file,
    ]);
    while (!existsSync(file)) await delay(20);
    await delay(100);
    child.kill("SIGINT");
    const { code, stdout } = await done;
    expect(JSON.parse(stdout)).toMatchObject({ seed: 3, findings: [] });
    expect(code).toBe(130);
  });

  it("leaves nothing in the temporary folder when it is told to end at once", async () => {
    const files = mkdtempSync(join(folder, "files-"));
    const { child, done } = startCli(["stress", "--seconds", "600", "--seed", "3"], undefined, {
      TMPDIR: files,
    });
    const machines = () => readdirSync(files).flatMap((name) => readdirSync(join(files, name)));
    while (machines().length === 0) await delay(20);
    child.kill("SIGTERM");
    expect((await done).code).toBe(143);
    expect(readdirSync(files)).toEqual([]);
  });

  it("prints its report also where the folder for JUnit has gone meanwhile", async () => {
    const gone = mkdtempSync(join(tmpdir(), "virtlab-test-"));
    const file = join(gone, "lost.xml");
    const { done } = startCli(["stress", "--seconds", "2", "--machines", "1", "--json", "--junit", file]);
    while (!existsSync(file)) await delay(20);
    rmSync(gone, { recursive: true });
    const { code, stdout, stderr } = await done;
    expect(JSON.parse(stdout)).toMatchObject({ findings: [] });
    expect(stderr).toContain("--junit");
    expect(code).toBe(3);
  });

  it("says of a defect for a ring that no device offers that it cannot be planted", async () => {
    const { code, stdout } = await cliHere("stress", "--defects", "R12", "--seconds-each", "1", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ defects: [{ id: "R12", machines: 0 }] });
    expect(code).toBe(0);
  });

  it.each([
    [["--only", "blk,flppy"], "expected one of blk, rng, net, console, balloon"],
    [["--junit", fileURLToPath(new URL(".", import.meta.url))], "cannot be written"],
    [["--machines", "0"], 'expected a whole number from 1 to 256, got "0"'],
    [["--machines", "257"], 'expected a whole number from 1 to 256, got "257"'],
    [["--seed", "4294967296"], 'expected a whole number from 0 to 4294967295, got "4294967296"'],
    [["--episodes", "0"], 'expected a whole number from 1 on, got "0"'],
    [["--fault", "dropped-kick", "--runs", "0"], 'expected a whole number from 1 on, got "0"'],
    [["--seconds", "soon"], 'expected seconds, above 0 and up to 2147483, got "soon"'],
    [["--defects", "R999"], 'unknown defect "R999"'],
    [["--fault", "lost-kick"], 'unknown fault "lost-kick"'],
    [["--device", "./nowhere.ts"], "nowhere.ts"],
    [
      ["--fault", "dropped-kick", "--junit", "x.xml"],
      "'--fault <name>' cannot be used with option '--junit <file>'",
    ],
    [
      ["--defects", "R33", "--only", "net"],
      "'--defects [ids]' cannot be used with option '--only <devices>'",
    ],
    [["--only", "blk", "--driver", own("upper-driver")], "--only chooses among the shipped devices"],
  ])("refuses %j: exit code 2", async (args, message) => {
    const { code, stderr } = await cliHere("stress", ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});
