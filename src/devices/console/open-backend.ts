/** From options to what a port ends in. The same words serve `--device console` and the command add-port. */
import { type DeviceOption, UsageError } from "../../host/index.ts";
import type { ConsoleBackend } from "./backend.ts";
import { openFileBackend } from "./file-backend.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { openSocketBackend } from "./socket-backend.ts";
import { stdioBackend } from "./stdio-backend.ts";

export const BACKEND_OPTIONS = {
  backend: {
    type: ["memory", "stdio", "file", "socket"],
    help: "what the port ends in; file and socket are understood from their options",
    default: "memory",
  },
  echo: { type: "boolean", help: "backend=memory: gives the guest back what it wrote", default: false },
  file: { type: "string", help: "backend=file: takes the guest's output, made anew" },
  input: { type: "string", help: "backend=file: file that the guest's input comes from" },
  connect: { type: "string", help: "backend=socket: HOST:PORT or Unix path of a peer that listens" },
  listen: { type: "string", help: "backend=socket: HOST:PORT or Unix path to take peers at, one at a time" },
} as const satisfies Readonly<Record<string, DeviceOption>>;

export type BackendOptions = Readonly<Record<string, string | number | boolean | undefined>>;

/** `backend` that each option belongs to. */
const OWNERS = { echo: "memory", file: "file", input: "file", connect: "socket", listen: "socket" } as const;

export async function openBackend(options: BackendOptions): Promise<ConsoleBackend> {
  const text = (name: string) => (options[name] === undefined ? undefined : String(options[name]));
  switch (kindOf(options)) {
    case "stdio":
      return stdioBackend();
    case "file":
      return openFileBackend({ file: text("file"), input: text("input") });
    case "socket":
      return openSocketBackend({ connect: text("connect"), listen: text("listen") });
    default:
      return new MemoryBackend(options.echo === true);
  }
}

/** The back-end that was named, or the one that the other options speak of. */
function kindOf(options: BackendOptions): string {
  const given = Object.entries(OWNERS).filter(
    ([name]) => options[name] !== undefined && options[name] !== false,
  );
  const kinds = new Set([options.backend, ...given.map(([, owner]) => owner)]);
  // The default gives way to what the options say.
  if (kinds.size > 1) kinds.delete(BACKEND_OPTIONS.backend.default);
  const [kind] = kinds;
  const [first] = given;
  if (kinds.size > 1 && first !== undefined) {
    throw new UsageError(
      `console: expected ${first[0]} with backend=${first[1]}, found ${[...kinds].join(" and ")}`,
    );
  }
  if (kind === "file" && options.file === undefined && options.input === undefined) {
    throw new UsageError("console: expected backend=file with file, input or both");
  }
  return String(kind);
}
