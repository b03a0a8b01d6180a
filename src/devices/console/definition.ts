/** virtio-console's options: one port, or several; what the first of them ends in. */
import { defineDevice, UsageError } from "../../host/index.ts";
import { CONSOLE_PORTS_MAX } from "../../wire/console.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import { checkedPortName, parseConsoleSize } from "./arguments.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { ConsoleModel } from "./model.ts";
import { BACKEND_OPTIONS, openBackend } from "./open-backend.ts";

export default defineDevice({
  name: "console",
  virtioId: VIRTIO_TYPE.console.id,
  summary: "console, with one port or many",
  options: {
    ports: {
      type: "number",
      help: "offers MULTIPORT with this many ports; those after the first are in memory",
    },
    "max-ports": {
      type: "number",
      help: "with ports: how many there can be, those added later included",
      default: CONSOLE_PORTS_MAX,
    },
    names: { type: "string", help: "with ports: their names, as in names=console:log:agent" },
    size: { type: "string", help: "columns and rows", default: "80x25" },
    ...BACKEND_OPTIONS,
  },
  async create(options) {
    const multiport = options.ports !== undefined;
    const ports = multiport ? checkedCount("ports", options.ports, CONSOLE_PORTS_MAX) : 1;
    const maxPorts = multiport ? checkedCount("max-ports", options["max-ports"], CONSOLE_PORTS_MAX) : 1;
    if (ports > maxPorts)
      throw new UsageError(`console: expected ports up to max-ports=${maxPorts}, found ${ports}`);
    const names = checkedNames(options.names, multiport ? ports : 0);
    const size = parseConsoleSize("console: size", String(options.size));
    const model = new ConsoleModel({ size, maxPorts, multiport });
    const first = await openBackend(options);
    for (let id = 0; id < ports; id++) {
      const backend = id === 0 ? first : new MemoryBackend(options.echo === true);
      model.addPort({ backend, name: names[id] ?? "", isConsole: id === 0 });
    }
    return model;
  },
});

function checkedCount(name: string, value: unknown, max: number): number {
  const count = Number(value);
  if (Number.isInteger(count) && count >= 1 && count <= max) return count;
  throw new UsageError(`console: expected ${name} from 1 to ${max}, found ${value}`);
}

function checkedNames(names: unknown, ports: number): string[] {
  if (names === undefined) return [];
  const list = String(names).split(":");
  if (list.length > ports) {
    throw new UsageError(`console: expected at most ${ports} names (as many as ports), found ${list.length}`);
  }
  return list.map((name) => (name === "" ? "" : checkedPortName("console: names", name)));
}
