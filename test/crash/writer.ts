/** A process to be killed: a machine on the file and in the mode that its arguments name, writing until it dies. */
import { Machine } from "../../src/machine/machine.ts";

const [file = "", cache = ""] = process.argv.slice(2);
const machine = await Machine.start({ devices: [{ type: "blk", options: { file, cache } }] });
const report = await machine.run(new URL("./writer.guest.ts", import.meta.url), cache);
process.stderr.write(`${report.verdict}: ${report.reason}\n`);
await machine.stop();
