/**
 * A port that ends in a stream socket, one peer at a time. A listening one holds what the guest writes until somebody
 * is there; one that connected has lost its peer for good when that closes.
 */
import type { Server, Socket } from "node:net";
import { UsageError } from "../../host/index.ts";
import { plainReason } from "../plain-reason.ts";
import { connectSocket, listenSocket } from "../socket-address.ts";
import type { ConsoleBackend } from "./backend.ts";

/** A peer that does not take what is left at the end is not waited for any longer. */
const CLOSE_MS_MAX = 1000;

export interface SocketBackendOptions {
  readonly connect?: string | undefined;
  readonly listen?: string | undefined;
}

export async function openSocketBackend({ connect, listen }: SocketBackendOptions): Promise<SocketBackend> {
  if ((connect === undefined) === (listen === undefined)) {
    throw new UsageError("console: expected backend=socket with either connect or listen");
  }
  const backend = new SocketBackend(connect ?? listen ?? "");
  if (listen !== undefined) {
    backend.server = await listenSocket("console: listen", listen, (socket) => backend.join(socket));
  } else {
    backend.join(await connectSocket("console: connect", connect ?? ""));
  }
  return backend;
}

export class SocketBackend implements ConsoleBackend {
  readonly input: AsyncIterable<Uint8Array> = this.#pieces();
  onConnection: (connected: boolean) => void = () => {};
  /** Accepts further peers; without it there is only the first. */
  server: Server | undefined;
  readonly #address: string;
  #peer: Socket | undefined;
  #closed = false;
  #wake: (() => void)[] = [];

  constructor(address: string) {
    this.#address = address;
  }

  get connected(): boolean {
    return this.#peer !== undefined;
  }

  join(socket: Socket): void {
    if (this.#peer !== undefined || this.#closed) {
      socket.destroy();
      return;
    }
    this.#peer = socket;
    // Errors end in "close" as well, and in the write that they hit.
    socket.on("error", () => {});
    socket.once("close", () => this.#leave(socket));
    this.#changed();
    this.onConnection(true);
  }

  async write(bytes: Uint8Array): Promise<void> {
    const peer = await this.#nextPeer();
    if (peer === undefined) throw new Error("the peer has closed the connection");
    await new Promise<void>((resolve, reject) => {
      peer.write(bytes, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(new Error(`the peer has closed the connection (${plainReason(error)})`));
      });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.server?.close();
    this.#changed();
    const peer = this.#peer;
    if (peer === undefined) return;
    const timer = setTimeout(() => peer.destroy(), CLOSE_MS_MAX);
    await new Promise((resolve) => {
      peer.once("close", resolve);
      peer.destroySoon();
    });
    clearTimeout(timer);
  }

  describe() {
    return { backend: "socket", address: this.#address, connected: this.connected };
  }

  async *#pieces(): AsyncGenerator<Uint8Array> {
    for (let peer = await this.#nextPeer(); peer !== undefined; peer = await this.#nextPeer()) {
      try {
        for await (const piece of peer) yield piece as Uint8Array;
      } catch {
        // Reported where it shows: as the end of the connection.
      }
      while (this.#peer === peer) await this.#change();
    }
  }

  /** The peer, when there is one; undefined: there will be none. */
  async #nextPeer(): Promise<Socket | undefined> {
    while (this.#peer === undefined && this.server !== undefined && !this.#closed) await this.#change();
    return this.#peer;
  }

  #leave(socket: Socket): void {
    if (this.#peer !== socket) return;
    this.#peer = undefined;
    this.#changed();
    this.onConnection(false);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
