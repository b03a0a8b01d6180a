import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Machines of two workers each: a few files at a time is all that two cores carry.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Peers that are not ours (QEMU, an emulated PC) share CI's two cores with everything else. A test that passes only
    // at its second try is named in the summary: look at it.
    retry: process.env.CI === "true" ? 1 : 0,
  },
});
