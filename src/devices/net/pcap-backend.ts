/**
 * `pcap`: the frames of a capture file come in, in order and unchanged, as fast as the driver takes them. They begin
 * when the driver is ready, and none is dropped for want of a buffer. What the driver sends goes nowhere (unless it
 * is recorded).
 */
import { UsageError } from "../../host/index.ts";
import { PLAIN } from "../../wire/net.ts";
import type { NetBackend, NetPort } from "./backend.ts";
import { CaptureError, CaptureReader } from "./capture-reader.ts";

export async function pcapBackend(replay: string | undefined): Promise<NetBackend> {
  const reader = replay === undefined ? undefined : await openCapture(replay);
  let port: NetPort | undefined;
  let state: "waiting" | "running" | "done" | "failed" | "closed" = "waiting";
  let frames = 0;
  let ended: Promise<void> = Promise.resolve();

  async function run(to: NetPort, from: CaptureReader): Promise<void> {
    state = "running";
    try {
      for (let frame = await from.next(); frame !== undefined; frame = await from.next()) {
        // The frame's bytes are the reader's until the next one.
        const waits = to.deliver({ frame, header: PLAIN });
        if (waits !== undefined) await waits;
        if (isClosed()) return;
        frames++;
      }
      state = "done";
    } catch (error) {
      state = "failed";
      to.log(`replay=${replay}: ${(error as Error).message}; replay ends after ${frames} frames`);
    }
  }
  const isClosed = (): boolean => state === "closed";

  return {
    attach(attached) {
      port = attached;
    },
    started() {
      if (state === "waiting" && port !== undefined && reader !== undefined) ended = run(port, reader);
    },
    send() {},
    async close() {
      state = "closed";
      await ended;
      await reader?.close();
    },
    describe: () =>
      reader === undefined
        ? {}
        : { replay, state, frames, cutShort: reader.cutShort, skipped: reader.skipped },
  };
}

/** A bad file is the user's fault, and says what was expected. */
async function openCapture(path: string): Promise<CaptureReader> {
  try {
    return await CaptureReader.open(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const found = code === "ENOENT" ? "no such file" : message;
    if (error instanceof CaptureError || code !== undefined) {
      throw new UsageError(`net: expected replay=${path} to be an Ethernet capture, found ${found}`);
    }
    throw error;
  }
}
