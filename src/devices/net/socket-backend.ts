/**
 * `socket`: frames over TCP or a unix stream socket, as QEMU's `-netdev stream` speaks, so that a virtlab NIC and a
 * QEMU guest can talk. One peer at a time; without one the link is down. Back pressure goes both ways: a peer that
 * does not read stops the driver's transmit queue, a driver without receive buffers stops reading from the peer.
 */
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { UsageError } from "../../host/index.ts";
import { PLAIN } from "../../wire/net.ts";
import type { NetBackend, NetPort } from "./backend.ts";
import { FrameParser, packFrame, STREAM_FRAME_BYTES_MAX } from "./frame-stream.ts";

/** One of the two, each `HOST:PORT` or the path of a unix socket. */
export interface SocketOptions {
  readonly connect?: string;
  readonly listen?: string;
}

type Address = { readonly path: string } | { readonly host: string; readonly port: number };

export async function socketBackend({ connect, listen }: SocketOptions): Promise<NetBackend> {
  if ((connect === undefined) === (listen === undefined)) {
    throw new UsageError("net: backend=socket expects one of connect=ADDRESS and listen=ADDRESS");
  }
  if (connect === undefined) {
    const server = createServer();
    await listening(server, String(listen));
    return new SocketBackend({ server });
  }
  return new SocketBackend({ peer: await connected(connect) });
}

class SocketBackend implements NetBackend {
  #port: NetPort | undefined;
  #peer: Socket | undefined;
  readonly #server: Server | undefined;
  #closed = false;
  #connections = 0;
  #sent = 0;
  #received = 0;
  /** Frames that the system did not take before the peer was gone. */
  readonly #written = (error?: Error | null): void => {
    if (error) this.#port?.dropped("peer gone");
  };
  /** Ends the wait of a frame that the peer's full buffer holds up. */
  #drained: () => void = () => {};

  constructor({ peer, server }: { peer?: Socket; server?: Server }) {
    this.#peer = peer;
    this.#server = server;
  }

  attach(port: NetPort): void {
    this.#port = port;
    if (this.#peer !== undefined) void this.#serve(this.#peer, port);
    else port.setCarrier(false);
    this.#server?.on("connection", (socket) => {
      if (this.#peer === undefined) void this.#serve(socket, port);
      // A wire has two ends.
      else socket.destroy();
    });
  }

  send({ frame }: { readonly frame: Uint8Array }): void | Promise<void> {
    const peer = this.#peer;
    if (peer === undefined) return this.#port?.dropped("no peer");
    if (frame.length > STREAM_FRAME_BYTES_MAX) return this.#port?.dropped("too long for the stream");
    this.#sent++;
    if (peer.write(packFrame(frame), this.#written)) return undefined;
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const server = this.#server;
    const closed = server && new Promise((resolve) => server.close(resolve));
    await this.#endPeer();
    await closed;
  }

  describe() {
    const { remoteAddress, remotePort } = this.#peer ?? {};
    return {
      peer: this.#peer === undefined ? null : remotePort ? `${remoteAddress}:${remotePort}` : "unix",
      connections: this.#connections,
      sent: this.#sent,
      received: this.#received,
    };
  }

  /** Until the peer goes away: frames from it, one after the other. */
  async #serve(peer: Socket, port: NetPort): Promise<void> {
    this.#peer = peer;
    this.#connections++;
    peer.setNoDelay(true);
    // The loop below sees it too; one that comes after its end is no news.
    peer.on("error", () => {});
    peer.on("drain", () => this.#drained());
    // Also when it ends while nobody reads, because the driver has no room.
    peer.on("close", () => this.#drained());
    port.setCarrier(true);
    const parser = new FrameParser();
    let reason = "closed the connection";
    try {
      for await (const chunk of peer) await this.#receive(parser, chunk as Uint8Array, port);
      if (parser.pendingBytes > 0) {
        port.dropped("cut off by the peer");
        reason = "closed the connection in the middle of a frame";
      }
    } catch (error) {
      reason = `failed: ${(error as Error).message}`;
    }
    peer.destroy();
    this.#peer = undefined;
    this.#drained();
    if (this.#closed) return;
    port.setCarrier(false);
    port.log(`the peer ${reason}; the link is down`);
  }

  async #receive(parser: FrameParser, chunk: Uint8Array, port: NetPort): Promise<void> {
    for (const frame of parser.push(chunk)) {
      const waits = port.deliver({ frame, header: PLAIN });
      if (waits !== undefined) await waits;
      this.#received++;
    }
  }

  /** What was sent reaches the peer before the end does. */
  async #endPeer(): Promise<void> {
    const peer = this.#peer;
    if (peer === undefined || peer.destroyed) return;
    await new Promise<void>((resolve) => {
      peer.once("close", () => resolve());
      peer.end(() => peer.destroy());
    });
  }
}

function parseAddress(option: string, text: string): Address {
  const tcp = /^(?<host>[^/]*):(?<port>\d+)$/.exec(text)?.groups;
  if (tcp === undefined) {
    if (text === "")
      throw new UsageError(`net: expected ${option}=HOST:PORT or ${option}=PATH, found nothing`);
    return { path: text };
  }
  const port = Number(tcp.port);
  if (port > 65535) throw new UsageError(`net: expected a port up to 65535 in ${option}, found ${port}`);
  return { host: (tcp.host ?? "").replace(/^\[(.*)\]$/, "$1") || "127.0.0.1", port };
}

function connected(text: string): Promise<Socket> {
  const address = parseAddress("connect", text);
  return new Promise((resolve, reject) => {
    const socket = createConnection(address, () => {
      socket.off("error", refuse);
      resolve(socket);
    });
    const refuse = (error: Error) =>
      reject(new UsageError(`net: connect=${text}: nobody answers (${error.message})`));
    socket.once("error", refuse);
  });
}

function listening(server: Server, text: string): Promise<void> {
  const address = parseAddress("listen", text);
  return new Promise((resolve, reject) => {
    const refuse = (error: Error) => reject(new UsageError(`net: listen=${text}: ${error.message}`));
    server.once("error", refuse);
    server.listen(address, () => {
      server.off("error", refuse);
      resolve();
    });
  });
}
