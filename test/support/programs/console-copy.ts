/** Writes each argument to the first console port, and returns what was read until as many bytes came back. */
import { console as consoleDriver } from "../../../src/drivers/index.ts";
import { defineGuest } from "../../../src/guest/define.ts";

export default defineGuest(async (guest) => {
  const { name, text } = guest.args as { name: string | number; text: string };
  const port = await guest.virtio.find(consoleDriver).port(name);
  const reading = (async () => {
    let found = "";
    for await (const piece of port) {
      found += new TextDecoder().decode(piece);
      if (found.length >= text.length) break;
    }
    return found;
  })();
  await port.write(text);
  return { found: await reading, size: port.size, ports: guest.virtio.find(consoleDriver).ports.length };
});
