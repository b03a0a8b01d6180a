/**
 * The rooms of src/ and which rooms each may import: the table of docs/architecture.md. Reports are made of recorded
 * numbers alone, so the machine may name their rows.
 */

const BUS_AND_ABOVE = ["bus", "observe/record", "memory", "wire"] as const;
const MACHINE_AND_ABOVE = [
  "machine",
  "monitor",
  "drivers",
  "devices",
  "guest",
  "host",
  ...BUS_AND_ABOVE,
] as const;

export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  wire: [],
  memory: ["wire"],
  "observe/record": ["memory", "wire"],
  bus: ["observe/record", "memory", "wire"],
  host: BUS_AND_ABOVE,
  guest: BUS_AND_ABOVE,
  devices: ["host", "observe/record", "wire"],
  drivers: ["guest", "observe/record", "wire"],
  monitor: ["observe/record", "observe/report", ...BUS_AND_ABOVE],
  machine: ["observe/report", ...MACHINE_AND_ABOVE],
  hunt: MACHINE_AND_ABOVE,
  foreign: MACHINE_AND_ABOVE,
  stress: ["hunt", ...MACHINE_AND_ABOVE],
  "observe/report": ["observe/record", "wire"],
  cli: ["hunt", "foreign", "stress", "observe/report", ...MACHINE_AND_ABOVE],
};

/** Where threads are started or met: a folder (ends in "/") or one file. */
export const THREAD_PLACES = ["src/machine/", "src/hunt/", "src/stress/", "workers/"] as const;
export const COMLINK_PLACES = ["src/machine/", "workers/"] as const;

/** The room of a path under src/, the longest name that fits; undefined at the top level. */
export function roomOf(path: string): string | undefined {
  return Object.keys(ROOMS)
    .filter((room) => path.startsWith(`src/${room}/`))
    .sort((a, b) => b.length - a.length)[0];
}
