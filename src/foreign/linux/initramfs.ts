/** The guest's first and only file system: busybox, the kernel's virtio modules, and our init. */
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { type CpioEntry, characterDevice, cpioArchive, directory, executable } from "./cpio.ts";
import { INIT, MODULES } from "./init-script.ts";

const DIRECTORIES = ["bin", "dev", "proc", "sys", "tmp", "modules"];

/** `modules`: a folder with the kernel's .ko files, at any depth; without one the kernel has its drivers built in. */
export async function buildInitramfs(busybox: string, modules: string | undefined): Promise<Uint8Array> {
  const entries: CpioEntry[] = [
    ...DIRECTORIES.map(directory),
    // The kernel opens it for process 1 before anything is mounted.
    characterDevice("dev/console", 5, 1),
    executable("init", Buffer.from(INIT)),
    executable("bin/busybox", await readFile(busybox)),
  ];
  for (const file of modules === undefined ? [] : await wantedModules(modules)) {
    entries.push(executable(`modules/${basename(file)}`, await readFile(file)));
  }
  return gzipSync(cpioArchive(entries), { level: 1 });
}

async function wantedModules(folder: string): Promise<string[]> {
  const wanted = new Set<string>(MODULES.map((name) => `${name}.ko`));
  const found = await readdir(folder, { recursive: true });
  // In one order, so that the same files make the same archive.
  const modules = found.filter((path) => wanted.has(basename(path))).sort();
  return modules.map((path) => join(folder, path));
}
