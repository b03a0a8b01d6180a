/** Stream sockets as options name them: `HOST:PORT` for TCP, anything with a "/" for a Unix path. */
import { connect, createServer, type Server, type Socket } from "node:net";
import { UsageError } from "../host/index.ts";
import { plainReason } from "./plain-reason.ts";

export type SocketAddress = { readonly path: string } | { readonly host: string; readonly port: number };

const LOOPBACK = "127.0.0.1";

/** `name` says whose option it is, e.g. "console: listen". Without a host it is this machine. */
export function parseSocketAddress(name: string, text: string): SocketAddress {
  if (text.includes("/")) return { path: text };
  const match = /^(.*):(\d+)$/.exec(text);
  const port = Number(match?.[2]);
  if (!(port <= 65535)) {
    throw new UsageError(`${name}: expected HOST:PORT or a path with a "/", found "${text}"`);
  }
  return { host: match?.[1]?.replace(/^\[|\]$/g, "") || LOOPBACK, port };
}

/** A connection to a peer that listens; `UsageError` if there is none. */
export async function connectSocket(name: string, address: string): Promise<Socket> {
  const socket = connect(parseSocketAddress(name, address));
  await settled(name, address, socket, "connect");
  return socket;
}

/** A server that accepts connections; `UsageError` if the address cannot be had. */
export async function listenSocket(
  name: string,
  address: string,
  accept: (socket: Socket) => void,
): Promise<Server> {
  const server = createServer(accept);
  server.listen(parseSocketAddress(name, address));
  await settled(name, address, server, "listening");
  return server;
}

function settled(name: string, address: string, emitter: Socket | Server, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) =>
      reject(new UsageError(`${name}: ${address} cannot be used: ${plainReason(error)}`));
    emitter.once("error", failed);
    emitter.once(event, () => {
      emitter.off("error", failed);
      resolve();
    });
  });
}
