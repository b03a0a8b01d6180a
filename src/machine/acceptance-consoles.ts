/** What the acceptance run asks of each console, by its description, and what must have come of it. */
import type { DeviceSpec } from "./description.ts";
import type { ConsoleResult, ConsoleTask } from "./workloads/consoles.ts";

/** One task for each console, in the order in which the guest finds them. */
export function planConsoles(devices: readonly DeviceSpec[]): ConsoleTask[] {
  const consoles = devices.filter(({ type }) => type === "console").sort((a, b) => a.slot - b.slot);
  return consoles.map(({ options }) => {
    // Nobody may ever come to listen.
    if (options.listen !== undefined) return "idle";
    return options.echo === true || options.echo === "on" || options.echo === "true" ? "echo" : "write";
  });
}

export function compareConsoles(tasks: readonly ConsoleTask[], results: readonly ConsoleResult[]): string[] {
  return tasks.flatMap((_, index) => {
    const result = results[index];
    if (result === undefined) return [`console ${index} was not found`];
    return result.verified === false ? [`console ${index}: the echo was not what was written`] : [];
  });
}
