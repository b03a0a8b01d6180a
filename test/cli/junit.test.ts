/** JUnit as its consumers read it: through an XML parser. */
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { expect, test } from "vitest";
import { junit } from "../../src/cli/junit.ts";

const REPORT = {
  ...{ seconds: 1.5, machines: 3, actions: 0, bytesVerified: 0, resets: 0, unplugs: 0, workerKills: 0 },
  ...{ byAction: {}, kicks: 0, interrupts: 0, heapSlope: 0, handleSlope: 0, residentSlope: 0 },
  ...{ cutShort: 0, failure: null },
};
const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: "", parseAttributeValue: true });

test("each finding is a failed test case with its message and detail, whatever characters are in it", () => {
  const findings = [
    { seed: 5, what: 'a < "b" & c', detail: "x & y\u0007\n]]> <tag>", stack: null },
    { seed: 6, what: "stalled: é → ∞", detail: "", stack: null },
  ];
  const xml = junit({ ...REPORT, findings });
  expect(XMLValidator.validate(xml)).toBe(true);
  const { testsuites } = parser.parse(xml);
  expect(testsuites).toMatchObject({ tests: 3, failures: 2 });
  const [passed, first, second] = testsuites.testsuite.testcase;
  expect(passed).toMatchObject({ name: "1 machines without finding", time: 1.5 });
  expect(passed.failure).toBeUndefined();
  expect(first).toMatchObject({ classname: "virtlab.stress", name: "machine 5" });
  expect(first.failure).toEqual({ message: 'a < "b" & c', "#text": "x & y?\n]]> <tag>" });
  expect(second.failure.message).toBe("stalled: é → ∞");
});

test("no finding, no failure", () => {
  const { testsuites } = parser.parse(junit({ ...REPORT, findings: [] }));
  expect(testsuites.testsuite).toMatchObject({ tests: 1, failures: 0, errors: 0 });
});

test("a failure of our own is an error, beside what was found", () => {
  const failure = { seed: 7, what: "no space left", detail: "at once" };
  const findings = [{ seed: 5, what: "stalled", detail: "", stack: null }];
  const { testsuites } = parser.parse(junit({ ...REPORT, findings, failure }));
  expect(testsuites.testsuite).toMatchObject({ tests: 3, failures: 1, errors: 1 });
  expect(testsuites.testsuite.testcase[2].error).toEqual({ message: "no space left", "#text": "at once" });
});
