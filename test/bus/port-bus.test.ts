import { DirectBus } from "../../src/bus/direct-bus.ts";
import { startThread } from "../support/thread.ts";
import { SERVED } from "./mailbox-host.data.ts";
import { controlPage } from "./mailbox-parts.ts";
import { portBusContract } from "./port-bus.contract.ts";
import { RegisterFile } from "./register-file.ts";

portBusContract("DirectBus", async () => {
  const page = controlPage();
  const { memory } = page;
  const bus = new DirectBus(new RegisterFile(memory, page.spare(SERVED)), page.kickSender());
  return { bus, served: () => memory.load32(page.spare(SERVED), 0), close: async () => undefined };
});

portBusContract("MailboxBus, its host on another thread,", async () => {
  const page = controlPage();
  const { memory } = page;
  const thread = startThread<string>(new URL("mailbox-host.thread.ts", import.meta.url), memory.buffer);
  await thread.next();
  return {
    bus: page.bus(page.kickSender()),
    served: () => memory.load32(page.spare(SERVED), 0),
    close: async () => {
      memory.store32(page.plan.runState, 1, 0);
      page.hostBell.ring();
      await thread.ended();
    },
  };
});
