import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { cliHere } from "../support/cli.ts";

const ODD = fileURLToPath(new URL("../hunt/odd-scenarios.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "virtlab-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

const hunted = async (...args: string[]) => {
  const { code, stdout } = await cliHere("hunt", ...args, "--jobs", "1", "--json");
  return { code, report: JSON.parse(stdout), stdout };
};

describe("a report of virtlab hunt", () => {
  type Hunted = Awaited<ReturnType<typeof hunted>>;
  let nothing: Hunted;
  let race: Hunted;
  let data: Hunted;
  let odd: Hunted;
  beforeAll(async () => {
    nothing = await hunted("flags", "--schedules", "20");
    // A quiet scenario first.
    race = await hunted("resize", "flags", "--defect", "R33", "--schedules", "500");
    data = await hunted("racing", "--file", ODD, "--detect-races", "--schedules", "50");
    odd = await hunted("forgetful", "--file", ODD);
  });

  it("has the same keys whether it found nothing, a race, or a scenario that does not repeat itself", async () => {
    expect([nothing.code, race.code, odd.code]).toEqual([0, 1, 1]);
    const keys = ({ report }: Hunted) => Object.keys(report).sort();
    expect(keys(race)).toEqual(keys(nothing));
    expect(keys(odd)).toEqual(keys(nothing));
    const [inRace, inOdd] = [race, odd].map(({ report }) => report.findings[0]);
    expect(inRace).toMatchObject({ scenario: "flags", defect: "R33", oracle: "O1 quiescence" });
    expect(inOdd).toMatchObject({ scenario: "forgetful", defect: null, oracle: "repeatability" });
    expect(Object.keys(inOdd).sort()).toEqual(Object.keys(inRace).sort());
    const campaigns = (report: { campaigns: object[] }) => report.campaigns.map((each) => Object.keys(each));
    expect(campaigns(race.report)).toEqual([...campaigns(nothing.report), ...campaigns(nothing.report)]);
    // Of two plain accesses, and of something else.
    const [inCampaign, ofAccesses] = [race, data].map(({ report }) => report.campaigns.at(-1).finding);
    expect([inCampaign.race, ofAccesses.race]).toEqual([null, expect.any(Object)]);
    expect(Object.keys(inCampaign).sort()).toEqual(Object.keys(ofAccesses).sort());
  });

  it("can be gone on with, and put together with others, whatever it found", async () => {
    const files = [nothing, race, odd].map(({ stdout }, at) => {
      const file = join(folder, `${at}.json`);
      writeFileSync(file, stdout);
      return file;
    });
    const merged = await cliHere("hunt", "--merge", ...files, "--json");
    const report = JSON.parse(merged.stdout);
    expect(report).toMatchObject({ replay: race.report.replay, findings: [{}, {}] });
    expect(Object.keys(report).sort()).toEqual(Object.keys(nothing.report).sort());
    const text = await cliHere("hunt", "--merge", ...files);
    expect(text.stdout).toMatch(/^forgetful: repeatability: the scenario does not repeat itself/m);

    const [first] = race.report.campaigns;
    const resume = ["--resume", files[1] as string, "--schedules", "10"];
    const resumed = await hunted(first.scenario, "--defect", "R33", ...resume);
    expect(resumed.report.campaigns).toMatchObject([{ schedules: 10, next: first.next + 10 }]);
    const elsewhere = await cliHere("hunt", "flags", "--resume", files[0] as string, "--seed", "2");
    expect(elsewhere.stderr).toContain(
      "flags was hunted with --policy portfolio --seed 1; expected one of these, got --policy portfolio --seed 2",
    );
    expect(elsewhere.code).toBe(2);
  });

  it("says of which shard it is, and is not gone on with in another", async () => {
    const part = ["--shard", "1/2", "--seed", "3", "--policy", "random"];
    const first = await hunted("flags", ...part, "--schedules", "20");
    expect(first.report.campaigns).toMatchObject([{ shard: "1/2", next: 40 }]);
    expect(nothing.report.campaigns).toMatchObject([{ shard: null, next: 20 }]);
    const file = join(folder, "part.json");
    writeFileSync(file, first.stdout);
    for (const [other, got] of [
      ["2/2", "--policy random --seed 3 --shard 2/2"],
      ["1/1", "--policy random --seed 3"],
    ] as const) {
      const { code, stderr } = await cliHere("hunt", "flags", "--resume", file, ...part, "--shard", other);
      expect(stderr).toContain(
        `flags was hunted with --policy random --seed 3 --shard 1/2; expected one of these, got ${got}\n`,
      );
      expect(code).toBe(2);
    }
    const again = await hunted("flags", "--resume", file, ...part, "--schedules", "5");
    expect(again.report.campaigns).toMatchObject([{ schedules: 5, from: 40, next: 50 }]);

    const thirds = [join(folder, "first.json"), join(folder, "third.json")] as const;
    writeFileSync(thirds[0], (await hunted("flags", "--shard", "1/3", "--schedules", "5")).stdout);
    writeFileSync(thirds[1], (await hunted("flags", "--shard", "3/3", "--schedules", "5")).stdout);
    const merged = join(folder, "thirds.json");
    const { stdout } = await cliHere("hunt", "--merge", ...thirds, "--json");
    writeFileSync(merged, stdout);
    const { code, stderr } = await cliHere("hunt", "flags", "--resume", merged);
    expect(stderr).toContain(
      "flags was put together of the shards 1/3,3/3, which cannot be gone on with as one; give the report of one shard\n",
    );
    expect(code).toBe(2);
  });

  it("says how many spurious moves there were, and is not gone on with under another number of them", async () => {
    const two = ["flags", "--spurious", "2", "--schedules", "5"];
    const first = await hunted(...two);
    expect(first.report.campaigns).toMatchObject([{ spurious: 2, next: 5 }]);
    const file = join(folder, "spurious.json");
    writeFileSync(file, first.stdout);
    const { code, stderr } = await cliHere("hunt", "flags", "--resume", file);
    expect(stderr).toContain(
      "flags was hunted with --policy portfolio --seed 1 --spurious 2; expected one of these, got --policy portfolio --seed 1\n",
    );
    expect(code).toBe(2);
    const again = await hunted(...two, "--resume", file);
    expect(again.report.campaigns).toMatchObject([{ spurious: 2, schedules: 5, from: 5, next: 10 }]);
  });

  it.each([
    [["--schedules", "20"], "; go on with --from 20"],
    [
      ["--schedules", "20", "--policy", "pct2", "--seed", "7", "--shard", "2/3"],
      "; go on with --from 60 --policy pct2 --seed 7 --shard 2/3",
    ],
    [["--schedules", "5", "--spurious", "2"], "; go on with --from 5 --spurious 2"],
    // Nothing is left.
    [["--from", "2147483640"], ""],
    [["--from", "2147483641", "--schedules", "3", "--shard", "2/2"], ""],
    // It begins anew.
    [["--policy", "dfs", "--schedules", "20"], ""],
  ])("of %j says how to go on: %j", async (options, hint) => {
    const { stdout } = await cliHere("hunt", "flags", ...options, "--jobs", "1");
    expect(stdout).toMatch(/^flags: quiet after \d+ schedules \(\d+\/s\), \d+ site pairs/);
    expect(stdout.replace(/.* site pairs/, "")).toBe(`${hint}\n`);
  });

  it("keeps a finding that breaks the hunter as it is shrunk, and its campaign", async () => {
    const { code, report } = await hunted("dying-when-followed", "--file", ODD);
    expect(report.findings).toMatchObject([
      { oracle: "check", text: "it never holds", execution: 0 },
      { oracle: "threads", execution: null },
    ]);
    expect(report.campaigns).toMatchObject([{ schedules: 1, finding: { oracle: "check" }, next: 1 }]);
    expect(report.replay).toBeNull();
    expect(code).toBe(1);
    const page = join(folder, "page.html");
    const args = ["--file", ODD, "--jobs", "1", "--report", page];
    const { stdout, stderr } = await cliHere("hunt", "dying-when-followed", ...args);
    expect(stdout.match(/dying-when-followed: FOUND/g)).toHaveLength(1);
    expect(stdout).toMatch(/^check: it never holds\nthreads: /m);
    expect(stderr).toBe(`virtlab: --report ${page}: not written: there is no execution to show\n`);
  });

  it("has a line, of which a replay has the same keys whether it finds it again or its places have gone", async () => {
    const gone = "flags:-:draws=:guest@driver.publish-avail.idx#99>host";
    const [again, quiet] = [
      await cliHere("replay", race.report.replay, "--json"),
      await cliHere("replay", gone, "--json"),
    ];
    expect([again.code, quiet.code]).toEqual([1, 0]);
    const [found, nothing] = [again, quiet].map(({ stdout }) => JSON.parse(stdout));
    expect(found).toMatchObject({ findings: [{}], missed: 0, schedules: 0 });
    expect(nothing).toMatchObject({ findings: [], missed: 1, schedules: 5000, line: gone });
    expect(Object.keys(nothing).sort()).toEqual(Object.keys(found).sort());
  });

  it("of a scoreboard that is interrupted has what was decided by then", async () => {
    const { isTTY } = process.stderr;
    process.stderr.isTTY = true;
    const running = cliHere("hunt", "--scoreboard", "--jobs", "1", "--shard", "4/20");
    // Progress is told as soon as a row is there.
    const write = vi.mocked(process.stderr.write);
    const keep = write.getMockImplementation();
    write.mockImplementation((data) => {
      write.mockImplementation(keep as NonNullable<typeof keep>);
      process.emit("SIGINT");
      return process.stderr.write(data);
    });
    const { code, stdout, stderr } = await running;
    process.stderr.isTTY = isTTY;
    expect(stderr).toContain("1 of 4: R04 killed");
    expect(stdout).toMatch(/^R04 .* killed/m);
    expect(stdout.match(/^R\d+/gm)).toHaveLength(1);
    expect(code).toBe(130);
  });

  it.each([
    [["--merge", "a.json", "--scoreboard"], "'--scoreboard'"],
    [["--merge", "a.json", "--defect", "R33"], "'--defect <id>'"],
    [["--merge", "a.json", "--seed", "3"], "'--seed <number>'"],
    [["--scoreboard", "--monitor"], "'--monitor'"],
    [["--scoreboard", "--file", ODD], "'--file <module>'"],
    [["--resume", "a.json", "--from", "3"], "'--from <execution>'"],
    [["flags", "--scoreboard"], "--scoreboard does not go with scenarios: flags"],
    [["flags", "--merge", "a.json"], "--merge does not go with scenarios: flags"],
  ])("refuses %j: exit code 2", async (args, message) => {
    const { code, stderr } = await cliHere("hunt", ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});
