/** The pages that virtlab writes, clicked through in a real browser. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Hunter } from "../../src/hunt/hunter.ts";
import { findScenario } from "../../src/hunt/load.ts";
import { formatPage } from "../../src/hunt/report/page.ts";
import { shrink } from "../../src/hunt/shrink.ts";
import { runAcceptance } from "../../src/machine/acceptance.ts";
import { Machine } from "../../src/machine/machine.ts";
import { Analysis } from "../../src/observe/report/analysis.ts";
import { analysisPage } from "../../src/observe/report/analysis-page.ts";
import { analysisJson } from "../../src/observe/report/analysis-text.ts";
import { readTrace, type TraceHeader, writeTrace } from "../../src/observe/report/trace-file.ts";
import { type Browser, noBrowser, openBrowser } from "../support/browser.ts";

const TIME_MS = 60_000;
const folder = mkdtempSync(join(tmpdir(), "virtlab-pages-"));
let browser: Browser | undefined;

async function open(name: string, html: string): Promise<{ page: Page; errors: string[] }> {
  const file = join(folder, name);
  writeFileSync(file, html);
  const page = await (browser as Browser).context.newPage();
  const errors: string[] = [];
  page.on("pageerror", ({ message }) => errors.push(message));
  // Self-contained: nothing but the file itself may be asked for.
  page.on("request", (request) => {
    if (!request.url().startsWith("file:")) errors.push(`asked for ${request.url()}`);
  });
  await page.goto(`file://${file}`);
  return { page, errors };
}

/** By how much the page is wider than its window. */
const sidewaysScroll = (page: Page): Promise<number> =>
  page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

if (noBrowser !== undefined) process.stderr.write(`pages: ${noBrowser}\n`);
describe.skipIf(noBrowser !== undefined)("pages in a browser", () => {
  beforeAll(async () => {
    browser = await openBrowser();
  }, TIME_MS);
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test(
    "a failure: lanes, filters, zoom, the critical pair, sources",
    async () => {
      const hunter = await Hunter.start({ scenario: findScenario("flags"), defect: "R33" });
      const { log } = await hunter.run({ policy: "portfolio", count: 20_000, seed: 2 });
      const { recording, critical } = await shrink(hunter, log);
      await hunter.close();
      const [pair] = critical;
      const html = formatPage(recording, { subject: "flags <R33>", line: "virtlab replay 'x'", critical });
      const { page, errors } = await open("failure.html", html);

      expect(await page.locator("h1").textContent()).toBe("O1 quiescence");
      expect(await page.locator("#subject").textContent()).toBe("flags <R33>");
      expect(await page.locator("#rows .head").allTextContents()).toEqual(["step", "guest", "host"]);
      const rows = page.locator("#rows .row");
      const steps = recording.entries.length + recording.switches.length;
      expect(await rows.count()).toBe(steps);
      expect(await page.locator(".row.critical").count()).toBe(
        new Set(critical.flatMap(({ first, second }) => [first, second])).size,
      );
      expect(await page.locator("path.critical").count()).toBe(critical.length);

      // It opens at the critical pair; the next press goes to its other end.
      expect(await page.locator("#detail h2").textContent()).toContain(`Step ${pair?.second},`);
      await page.locator("#critical").click();
      expect(await page.locator(".row.chosen.critical .step").isVisible()).toBe(true);

      // A step shows where its value came from and which code asked for it.
      const look = page.locator(".row:has-text('read used.flags -> 1 NO_NOTIFY')");
      await look.locator(".step").click();
      expect(await page.locator("#detail a[href^='vscode://file/']").first().textContent()).toMatch(
        /^src\/guest\/virtqueue\/driver-queue\.ts:\d+$/,
      );
      expect(await page.locator("#detail pre .here").first().textContent()).toContain("load16");
      expect(await page.locator("path.reads-from").count()).toBe(1);
      await page.locator("#detail dd a", { hasText: "step" }).first().click();
      expect(await page.locator(".row.chosen .step").textContent()).toContain(
        "write used.flags = 1 NO_NOTIFY",
      );

      await page.locator("#area").selectOption("queue 0");
      expect(await rows.count()).toBeGreaterThan(5);
      expect(await page.locator(".row.note, .row:has-text('doorbell')").count()).toBe(0);
      await page.locator("#site").selectOption("device: read avail.idx");
      const looks = recording.entries.filter((entry) => entry.type === "access" && entry.site === 10).length;
      expect(await rows.count()).toBe(looks);
      await page.locator("#area").selectOption("");
      await page.locator("#site").selectOption("");
      await page.locator("#actor").selectOption("host");
      expect(await rows.locator(".cell.step").first().textContent()).not.toContain("avail.idx = 1");
      // A sentence that names a step leads there, whatever is filtered.
      await page
        .locator("#reading a", { hasText: `step ${pair?.second}` })
        .first()
        .click();
      expect(await rows.count()).toBe(steps);
      expect(await page.locator("#detail h2").textContent()).toContain(`Step ${pair?.second},`);

      await page.locator("#apart").check();
      expect(await rows.count()).toBeLessThan(steps);
      const height = async () => (await page.locator(".row.chosen .step").boundingBox())?.height ?? 0;
      const before = await height();
      await page.locator("#zoom").fill("4");
      expect(await height()).toBeLessThan(before / 2);

      const background = (): Promise<string> =>
        page.evaluate("getComputedStyle(document.body).backgroundColor");
      const light = await background();
      await page.locator("#theme").click();
      expect(await background()).not.toBe(light);
      expect(await sidewaysScroll(page)).toBe(0);
      expect(errors).toEqual([]);
    },
    TIME_MS,
  );

  test(
    "a failure of three actors fits beside its details",
    async () => {
      const hunter = await Hunter.start({ scenario: findScenario("two-workers"), defect: "R20" });
      const { log } = await hunter.run({ policy: "portfolio", count: 20_000, seed: 2 });
      const recording = await hunter.record("log", log);
      await hunter.close();
      const html = formatPage(recording, { subject: "two-workers", line: "virtlab replay 'x'" });
      const { page, errors } = await open("three.html", html);
      await page.setViewportSize({ width: 1280, height: 900 });
      expect(await page.locator("#rows .head").count()).toBeGreaterThanOrEqual(4);
      const hidden =
        "document.querySelector('#lanes').scrollWidth - document.querySelector('#lanes').clientWidth";
      expect(await page.evaluate(hidden)).toBe(0);
      expect(errors).toEqual([]);
    },
    TIME_MS,
  );

  test(
    "an analysis: every plot is drawn, in bounds and in both themes",
    async () => {
      let machine: Machine | undefined;
      await runAcceptance(
        { watch: { traceEvents: 1 << 16 } },
        { disk: undefined, diskSize: "1M", write: false, protection: "read-only", seed: 1 },
        undefined,
        async (description) => {
          machine = await Machine.start(description);
          return machine;
        },
      );
      const file = join(folder, "trace.json");
      const analysis = new Analysis();
      let header: TraceHeader | undefined;
      const recordings = machine?.recordings() ?? null;
      if (recordings === null) throw new Error("the machine kept no events");
      await writeTrace(file, recordings);
      for await (const part of readTrace(file)) {
        if ("format" in part) header = part;
        else analysis.add(part);
      }
      const found = analysisJson(file, header as TraceHeader, analysis);
      const { page, errors } = await open("analysis.html", analysisPage(found, analysis.requests));
      expect(await page.locator("circle").count()).toBe(analysis.requests.length);
      await page.setViewportSize({ width: 700, height: 800 });
      expect(await sidewaysScroll(page)).toBe(0);
      expect(errors).toEqual([]);
    },
    TIME_MS,
  );
});
