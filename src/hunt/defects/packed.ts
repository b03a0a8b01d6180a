/** Entries of the catalogue that wait for the packed ring, so that the scoreboard can say so. */
import type { Defect } from "../defect.ts";

const entries: readonly (readonly [id: string, name: string, seen: string])[] = [
  ["R12", "USED flag flipped before id and len", "kvm-host PR 50 (2026)"],
  ["R13", "batch of used descriptors written to the wrong slots", "QEMU 0a55b58d3b (2024)"],
  ["R16", "descriptor id read before the USED flag", "DPDK 4b058fdd27 and 3eb50f0c79 (2019)"],
  ["R19", "event offset and flags not accessed as one", "QEMU d152cdd6f6 and f463e761a4 (2021)"],
  ["R26", "ring wraps more than once between two checks", "QEMU 750539c4c4 (2021)"],
  ["R27", "armed position jumped over", "openvmm PR 4267 (2026), hermit-os PR 1274 (2024)"],
  ["R75", "buffer id not restored on reuse", "DPDK ad6f01945a (2021)"],
  [
    "R79",
    "wrap counter wrong when a chain covers the ring",
    "openvmm PR 3990 (2026), DPDK 92ed77dce6 (2021)",
  ],
];

export const notPlanted: readonly Defect[] = entries.map(([id, name, seen]) => ({
  id,
  name,
  seen,
  needs: "packed-ring",
  scenarios: [],
  replacements: [],
  note: "not planted: there is no packed ring yet",
}));
