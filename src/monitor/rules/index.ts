/** All rules, and the notes that device types keep for them. */
import type { MomentName, Rule } from "../moments.ts";
import { balloonNotes, balloonRules } from "./balloon.ts";
import { blkRules } from "./blk.ts";
import { configRules } from "./config.ts";
import { consoleNotes, consoleRules } from "./console.ts";
import { featureRules } from "./features.ts";
import { netControlNotes, netControlRules } from "./net-control.ts";
import { netFilterNotes, netFilterRules } from "./net-filter.ts";
import { netFrameNotes, netFrameRules } from "./net-frames.ts";
import { notificationRules } from "./notifications.ts";
import { pciRules } from "./pci.ts";
import { registerRules } from "./registers.ts";
import { ringRules } from "./rings.ts";
import { rngRules } from "./rng.ts";
import { statusRules } from "./status.ts";

type AnyRule = { [Name in MomentName]: Rule<Name> }[MomentName];

export const RULES = [
  ...statusRules,
  ...featureRules,
  ...pciRules,
  ...registerRules,
  ...configRules,
  ...ringRules,
  ...notificationRules,
  ...blkRules,
  ...rngRules,
  ...netFrameRules,
  ...netControlRules,
  ...netFilterRules,
  ...consoleRules,
  ...balloonRules,
] as readonly AnyRule[];

/** Asked after the rules; they find nothing. */
export const NOTES = [
  ...netFrameNotes,
  ...netControlNotes,
  ...netFilterNotes,
  ...consoleNotes,
  ...balloonNotes,
] as readonly AnyRule[];
