// The library from plain JavaScript: describe a machine, run a program on it, stop it.
import { Machine } from "virtlab";

const machine = await Machine.start({ memory: "16M", devices: [{ type: "./counter-device.js" }] });
const report = await machine.run("./counter-program.js", [5]);
await machine.stop();
if (report.verdict !== "completed" || report.result.length !== 5) {
  throw new Error(`unexpected report: ${JSON.stringify(report)}`);
}
console.log("library: completed", report.result);
