/** A port that writes to a file, and reads from another if there is one. */
import { type FileHandle, open } from "node:fs/promises";
import { UsageError } from "../../host/index.ts";
import { plainReason } from "../plain-reason.ts";
import type { ConsoleBackend } from "./backend.ts";

/** Either may be left out; an output file is made anew. */
export interface FileBackendOptions {
  readonly file?: string | undefined;
  readonly input?: string | undefined;
}

export async function openFileBackend({ file, input }: FileBackendOptions): Promise<ConsoleBackend> {
  const target = file === undefined ? undefined : await openFile(file, "w", "writable");
  const source = input === undefined ? undefined : await openFile(input, "r", "readable");
  return {
    input: readPieces(source),
    connected: true,
    onConnection: () => {},
    write: (bytes) => (target === undefined ? undefined : writeAll(target, bytes)),
    close: async () => {
      await Promise.all([target?.close(), source?.close()]);
    },
    describe: () => ({ backend: "file", file, input }),
  };
}

async function openFile(path: string, flags: string, wanted: string): Promise<FileHandle> {
  try {
    return await open(path, flags);
  } catch (error) {
    throw new UsageError(`console: expected a ${wanted} file at ${path}, found ${plainReason(error)}`);
  }
}

async function* readPieces(file: FileHandle | undefined): AsyncGenerator<Uint8Array> {
  if (file === undefined) return;
  // One read for each piece that the guest has taken, and none beyond.
  for (;;) {
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(4096) });
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done);
    done += bytesWritten;
  }
}
