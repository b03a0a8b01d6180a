/** The files that a Linux is made of: those that set-up prepared, or the user's own. */
import { accessSync, constants, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { UsageError } from "../../host/device.ts";
import { cacheFolder } from "./cache.ts";
import { COMPLAINTS, complaintOf } from "./file-kinds.ts";

/** Names in the prepared folder. */
export const PREPARED = {
  kernel: "vmlinuz",
  modules: "modules",
  busybox: "busybox",
  bios: "bios.bin",
  manifest: "manifest.json",
} as const;

/** What set-up fetched. */
export interface Manifest {
  /** Of the kernel: "6.1.0-50-686". */
  readonly release: string;
  readonly packages: readonly string[];
}

/** Files that the user names. */
export interface GivenFiles {
  readonly kernel?: string | undefined;
  /** Folder with the kernel's modules. */
  readonly modules?: string | undefined;
  /** A whole first file system, instead of ours: then nothing can be run in it but by hand. */
  readonly initrd?: string | undefined;
  readonly busybox?: string | undefined;
  readonly bios?: string | undefined;
}

export interface SystemFiles {
  readonly kernel: string;
  readonly modules: string | undefined;
  readonly initrd: string | undefined;
  readonly busybox: string;
  readonly bios: string;
}

export const preparedFolder = (): string => cacheFolder("linux", "debian-12-i386");

/** Undefined: set-up was never run. */
export function readManifest(): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(join(preparedFolder(), PREPARED.manifest), "utf8")) as Manifest;
  } catch {
    return undefined;
  }
}

export function findSystemFiles(given: GivenFiles): SystemFiles {
  const file = (name: "kernel" | "busybox" | "bios") => given[name] ?? join(preparedFolder(), PREPARED[name]);
  const files: SystemFiles = {
    kernel: resolve(file("kernel")),
    // The prepared modules are the prepared kernel's.
    modules:
      given.modules ?? (given.kernel === undefined ? join(preparedFolder(), PREPARED.modules) : undefined),
    initrd: given.initrd,
    busybox: resolve(file("busybox")),
    bios: resolve(file("bios")),
  };
  for (const [name, path] of Object.entries(files)) {
    if (path !== undefined) check(name, path, given[name as keyof GivenFiles] !== undefined);
  }
  return files;
}

function check(name: string, path: string, given: boolean): void {
  try {
    accessSync(path, constants.R_OK);
  } catch {
    throw new UsageError(
      given
        ? `--${name} ${path}: cannot be read`
        : "there is no Linux here yet: run virtlab linux --setup first",
    );
  }
  const complain = given ? COMPLAINTS[name] : undefined;
  const complaint = complain && complaintOf(path, complain);
  if (complaint !== undefined) throw new UsageError(`--${name} ${path}: ${complaint}`);
}
