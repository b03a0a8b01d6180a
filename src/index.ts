/** virtlab as a library: describe a machine, start it, run guest programs on it. */

export { UsageError } from "./host/device.ts";
export type { DeviceDescription, InterruptMode, MachineDescription } from "./machine/description.ts";
export { Machine, type RunReport, type Verdict } from "./machine/machine.ts";
export { brokenStatements, describeFinding, type Finding } from "./monitor/monitor.ts";
