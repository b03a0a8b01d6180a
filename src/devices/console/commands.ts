/** What can be asked of a running console: `Machine.deviceCommand("console", …)`. */
import { type DeviceCommand, type DeviceContext, UsageError } from "../../host/index.ts";
import { checkedPortName, parseConsoleSize } from "./arguments.ts";
import { MemoryBackend } from "./memory-backend.ts";
import type { ConsoleModel } from "./model.ts";
import { BACKEND_OPTIONS, type BackendOptions, openBackend } from "./open-backend.ts";
import type { DevicePort } from "./port.ts";

type Args = readonly (string | undefined)[];

export function consoleCommands(model: ConsoleModel): Readonly<Record<string, DeviceCommand>> {
  const command = (help: string, run: (args: Args) => unknown): DeviceCommand => ({
    help,
    run(args: readonly string[], context: DeviceContext) {
      model.attach(context);
      return run(args);
    },
  });
  return {
    ports: command("lists the ports", () => model.ports.map((port) => port.describe())),
    resize: command("COLSxROWS [PORT]: changes a port's size", ([size, port]) =>
      model.resizePort(findPort(model, port), parseConsoleSize("resize", size ?? "")),
    ),
    "add-port": command("[NAME] [backend=… and its options]: adds a port, returns its number", (args) =>
      addPort(model, args),
    ),
    "remove-port": command("PORT: removes a port", ([port]) => model.removePort(findPort(model, port))),
    rename: command("PORT NAME: gives a port another name", ([port, name]) =>
      model.renamePort(findPort(model, port), checkedPortName("rename", name ?? "")),
    ),
    open: command("PORT on|off: opens or closes the host's end of a port in memory", ([port, state]) =>
      memoryOf(findPort(model, port)).setConnected(checkedState(state)),
    ),
    input: command("PORT TEXT: gives a port in memory input for the guest", ([port, text]) =>
      memoryOf(findPort(model, port)).input.push(new TextEncoder().encode(text)),
    ),
    output: command("[PORT]: what the guest wrote to a port in memory", ([port]) =>
      new TextDecoder().decode(memoryOf(findPort(model, port)).output),
    ),
  };
}

/** By number or by name; the first port without either. */
function findPort(model: ConsoleModel, wanted = "0"): DevicePort {
  const found = model.ports.find(({ id, name }) => String(id) === wanted || name === wanted);
  if (found !== undefined) return found;
  const there = model.ports.map(({ id, name }) => (name === "" ? `${id}` : `${id} (${name})`));
  throw new UsageError(`console: there is no port "${wanted}"; there are: ${there.join(", ") || "none"}`);
}

function memoryOf({ id, backend }: DevicePort): MemoryBackend {
  if (backend instanceof MemoryBackend) return backend;
  throw new UsageError(`console: port ${id} is not one in memory`);
}

function checkedState(state: string | undefined): boolean {
  if (state === "on" || state === "off") return state === "on";
  throw new UsageError(`open: expected on or off, found "${state}"`);
}

async function addPort(model: ConsoleModel, args: Args): Promise<number> {
  if (!model.multiport) throw new UsageError("a console without MULTIPORT has one port; give it ports=N");
  const words = args.filter((arg) => arg !== undefined);
  const names = words.filter((word) => !word.includes("="));
  if (names.length > 1) throw new UsageError(`add-port: expected one name, found ${names.join(", ")}`);
  const name = names[0] === undefined ? "" : checkedPortName("add-port", names[0]);
  const options = backendOptions(words.filter((word) => word.includes("=")));
  const isConsole = options.console === true;
  return model.addPort({ backend: await openBackend(options), name, isConsole }).id;
}

/** `key=value` as `--device` takes them, checked against the same table. */
function backendOptions(pairs: readonly string[]): BackendOptions {
  const known = ["console", ...Object.keys(BACKEND_OPTIONS)];
  const options: Record<string, string | boolean> = { backend: BACKEND_OPTIONS.backend.default };
  for (const pair of pairs) {
    const key = pair.slice(0, pair.indexOf("="));
    const value = pair.slice(key.length + 1);
    if (!known.includes(key)) {
      throw new UsageError(`add-port: unknown option "${key}"; known are ${known.join(", ")}`);
    }
    options[key] = key === "echo" || key === "console" ? value === "on" : value;
  }
  const { type } = BACKEND_OPTIONS.backend;
  if (type.some((kind) => kind === options.backend)) return options;
  throw new UsageError(
    `add-port: expected backend to be one of ${type.join(", ")}, found "${options.backend}"`,
  );
}
