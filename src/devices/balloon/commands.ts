/** What can be asked of a running balloon: `Machine.deviceCommand("balloon", …)`. */
import { type DeviceCommand, UsageError } from "../../host/index.ts";
import { parsePages } from "./arguments.ts";
import type { BalloonModel } from "./model.ts";

export function balloonCommands(model: BalloonModel): Readonly<Record<string, DeviceCommand>> {
  return {
    target: {
      help: "SIZE: memory that the balloon shall take from the guest",
      run([size], context) {
        if (size === undefined) throw new UsageError("target: expected a size such as 16M");
        model.setTarget(parsePages("target", size), context);
        return model.describe();
      },
    },
    info: { help: "target, what the guest says it gave, and what it gave", run: () => model.describe() },
    stats: {
      help: "asks the guest how its memory is doing",
      run: (_args, context) => model.freshStats(context),
    },
  };
}
