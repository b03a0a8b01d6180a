/**
 * The catalogue's families SB, WW, RR, TEAR and HOIST as what they were: a barrier that is missing. Here that is an
 * atomic access made plain (by site), and the switch under which it can be seen happening.
 */
import type { SiteLabel } from "../../wire/sites.ts";
import type { Weakness } from "./weak-memory.ts";

export interface Demotion {
  /** As in the catalogue. */
  readonly id: string;
  readonly family: "SB" | "WW" | "RR" | "TEAR" | "HOIST";
  readonly name: string;
  readonly sites: readonly SiteLabel[];
  readonly needs: Weakness;
  readonly scenario: string;
  /** How to look for it: everything in order, or schedules of all kinds. */
  readonly policy: "exhaust" | "portfolio";
  /** Who sees it happen. */
  readonly oracle: string;
}

const PUBLISH_AVAIL = "driver: publish avail.idx";
const PUBLISH_USED = "device: publish used.idx";

export const DEMOTIONS: readonly Demotion[] = [
  {
    id: "R01",
    family: "SB",
    name: "used.idx stored plainly, then avail.flags looked at",
    sites: [PUBLISH_USED],
    needs: "store-buffer",
    scenario: "interrupt-flags-1",
    policy: "exhaust",
    oracle: "O3 stamps",
  },
  {
    id: "R02",
    family: "SB",
    name: "used.flags stored plainly, then avail.idx looked at",
    sites: ["device: write used.flags"],
    needs: "store-buffer",
    scenario: "kick-flags-1",
    policy: "exhaust",
    oracle: "O1 quiescence",
  },
  {
    id: "R03",
    family: "SB",
    name: "avail.idx stored plainly, then used.flags looked at",
    sites: [PUBLISH_AVAIL],
    needs: "store-buffer",
    scenario: "kick-flags-1",
    policy: "exhaust",
    oracle: "O1 quiescence",
  },
  {
    id: "R04",
    family: "SB",
    name: "avail.idx stored plainly, then avail_event looked at",
    sites: [PUBLISH_AVAIL],
    needs: "store-buffer",
    scenario: "kick-event-2",
    policy: "exhaust",
    oracle: "O1 quiescence",
  },
  {
    id: "R05",
    family: "SB",
    name: "avail.flags stored plainly, then used.idx looked at",
    sites: ["driver: write avail.flags"],
    needs: "store-buffer",
    scenario: "interrupt-flags-1",
    policy: "exhaust",
    oracle: "O1 quiescence",
  },
  {
    id: "R07",
    family: "SB",
    name: "used.idx stored plainly, then used_event looked at",
    sites: [PUBLISH_USED],
    needs: "store-buffer",
    scenario: "interrupt-event-2",
    policy: "exhaust",
    oracle: "O1 quiescence",
  },
  {
    id: "R08",
    family: "SB",
    name: "a sleep announced plainly, then work looked for",
    sites: ["doorbell: announce sleep"],
    needs: "store-buffer",
    scenario: "doorbell-1",
    policy: "exhaust",
    oracle: "O1 quiescence",
  },
  {
    id: "R09",
    family: "WW",
    name: "used.idx stored plainly after the element",
    sites: [PUBLISH_USED],
    needs: "store-buffer",
    scenario: "interrupt-flags-1",
    policy: "exhaust",
    oracle: "O3 stamps",
  },
  {
    id: "R10",
    family: "WW",
    name: "avail.idx stored plainly after entry and descriptor",
    sites: [PUBLISH_AVAIL],
    needs: "store-buffer",
    scenario: "publish-1",
    policy: "exhaust",
    oracle: "O2 ownership",
  },
  {
    id: "R14",
    family: "RR",
    name: "avail.idx loaded plainly before the entry",
    sites: ["device: read avail.idx"],
    needs: "stale-reads",
    scenario: "publish-2",
    policy: "portfolio",
    oracle: "O2 ownership",
  },
  {
    id: "R15",
    family: "RR",
    name: "used.idx loaded plainly before the element",
    sites: ["driver: read used.idx"],
    needs: "stale-reads",
    scenario: "no-vector",
    policy: "portfolio",
    oracle: "O3 stamps",
  },
  {
    id: "R17",
    family: "HOIST",
    name: "a polling loop that loads used.idx plainly",
    sites: ["driver: read used.idx"],
    needs: "hoist",
    scenario: "no-vector",
    policy: "portfolio",
    oracle: "O9 bounded work",
  },
  {
    id: "R18",
    family: "TEAR",
    name: "avail.idx read through a DataView",
    sites: ["device: read avail.idx"],
    needs: "tear",
    scenario: "byte-wrap",
    policy: "portfolio",
    oracle: "O2 ownership",
  },
];

/** Of the same families, but of the packed ring, which legacy devices do not have. */
export const PACKED_ONLY = ["R12", "R16", "R19"] as const;
