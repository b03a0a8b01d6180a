/** Modules that threads of a machine load by their address: from the sources, or from the build. */
const EXTENSION = import.meta.url.endsWith(".ts") ? "ts" : "js";
const address = (name: string): string => new URL(`./${name}.${EXTENSION}`, import.meta.url).href;

/** The guest program of an episode. */
export const PROGRAM = address("episode/program");
/** And its part on each CPU but the first. */
export const CPU_PROGRAM = address("episode/cpu-program");
/** What both workers run first. */
export const PLANTS = address("episode/plants");
export const FLAKY_DISK = address("faults/flaky-disk");
/** The task of a campaign's pool. */
export const TASK = address("episode/run-episode");
