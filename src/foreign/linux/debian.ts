/**
 * Fetches kernel, busybox and SeaBIOS from Debian's packages, as the user that we are: apt gets a private
 * configuration with folders of its own, another architecture, and the machine's own sources.
 */
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { UsageError } from "../../host/device.ts";
import { Scratch } from "../qemu/scratch.ts";
import { MODULES } from "./init-script.ts";
import { type Manifest, PREPARED, preparedFolder } from "./system-files.ts";

const TOOLS = ["apt-get", "apt-cache", "dpkg-deb", "tar"];
/** The kernel's meta-package: it depends on the newest. */
const KERNEL_META = "linux-image-686";
const SCRATCH_BYTES = 160 << 20;
const STEP_MS = 240_000;

const run = promisify(execFile);

export interface SetupOptions {
  /** An apt sources.list, where the machine's own sources have no i386 kernel. */
  readonly sources?: string | undefined;
  readonly progress: (step: string) => void;
}

/** Returns what is there afterwards. Throws `UsageError` where this machine cannot do it. */
export async function setUp({ sources, progress }: SetupOptions): Promise<Manifest> {
  for (const tool of TOOLS) await need(tool);
  const scratch = new Scratch(SCRATCH_BYTES);
  try {
    const apt = privateApt(scratch, sources);
    progress("package lists");
    // A list that cannot be had (another repository, another architecture) matters only if a package is missing.
    await apt("apt-get", "update", "-qq").catch(() => undefined);
    const kernel = await newestKernel(apt);
    progress(`${kernel}, busybox-static, seabios`);
    const packages = await download(apt, scratch, [kernel, "busybox-static", "seabios"]);
    progress("unpack");
    const unpacked = scratch.path("unpacked");
    mkdirSync(unpacked);
    for (const file of packages) await unpack(file, unpacked);
    return keep(unpacked, kernel, packages);
  } finally {
    scratch.remove();
  }
}

type Apt = (tool: string, ...args: string[]) => Promise<string>;

async function need(tool: string): Promise<void> {
  try {
    await run(tool, ["--version"]);
  } catch {
    throw new UsageError(
      `${tool} is not here, and set-up fetches Debian packages; ` +
        "name files of your own with --kernel, --modules, --busybox and --bios instead",
    );
  }
}

function privateApt(scratch: Scratch, sources: string | undefined): Apt {
  for (const folder of ["state/lists/partial", "cache/archives/partial", "packages"]) {
    mkdirSync(scratch.path(folder), { recursive: true });
  }
  writeFileSync(scratch.path("status"), "");
  const lines = [
    `APT::Architecture "i386";`,
    `APT::Architectures { "i386"; };`,
    `APT::Sandbox::User "";`,
    `Dir::State "${scratch.path("state")}";`,
    `Dir::State::status "${scratch.path("status")}";`,
    `Dir::Cache "${scratch.path("cache")}";`,
    `Acquire::Languages "none";`,
    ...(sources === undefined
      ? []
      : [`Dir::Etc::SourceList "${sources}";`, `Dir::Etc::SourceParts "/dev/null";`]),
  ];
  writeFileSync(scratch.path("apt.conf"), `${lines.join("\n")}\n`);
  const env = { ...process.env, APT_CONFIG: scratch.path("apt.conf"), LC_ALL: "C" };
  return async (tool, ...args) =>
    (await run(tool, args, { env, cwd: scratch.path("packages"), timeout: STEP_MS })).stdout;
}

async function newestKernel(apt: Apt): Promise<string> {
  const answer = await apt("apt-cache", "depends", KERNEL_META).catch(() => "");
  const kernel = /Depends: (linux-image-\S+)/.exec(answer)?.[1];
  if (kernel !== undefined) return kernel;
  throw new UsageError(
    `this machine's package sources have no ${KERNEL_META} (Debian 12 is the last release with an i386 kernel); ` +
      "name a sources.list that has with --sources",
  );
}

async function download(apt: Apt, scratch: Scratch, names: string[]): Promise<string[]> {
  try {
    await apt("apt-get", "download", "-qq", ...names);
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new UsageError(`cannot download ${names.join(", ")}: ${(stderr ?? message).trim()}`);
  }
  const folder = scratch.path("packages");
  return readdirSync(folder).map((name) => join(folder, name));
}

/** Only what is wanted: a kernel's package has hundreds of megabytes of modules. */
const WANTED = [
  "./boot/vmlinuz-*",
  ...MODULES.map((name) => `*/${name}.ko`),
  "./bin/busybox",
  "*/seabios/bios.bin",
];

async function unpack(file: string, folder: string): Promise<void> {
  // tar complains of patterns that match nothing: each package has some of the files only.
  const script =
    'folder=$0; file=$1; shift; dpkg-deb --fsys-tarfile "$file" | tar -x -C "$folder" --wildcards "$@"';
  await run("sh", ["-c", `{ ${script}; } 2>/dev/null || true`, folder, file, ...WANTED], {
    timeout: STEP_MS,
  });
}

function keep(unpacked: string, kernel: string, packages: readonly string[]): Manifest {
  const modules = join(unpacked, "lib/modules");
  if (!existsSync(modules)) throw new UsageError(`${kernel} could not be unpacked into ${unpacked}`);
  const release = readdirSync(modules)[0] ?? kernel;
  const versions = packages.map((file) =>
    decodeURIComponent(file.replace(/^.*\//, "").replace(/\.deb$/, "")),
  );
  const manifest: Manifest = { release, packages: versions.sort() };
  const folder = preparedFolder();
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(dirname(folder), { recursive: true });
  try {
    mkdirSync(fresh);
    cpSync(join(unpacked, "boot", `vmlinuz-${release}`), join(fresh, PREPARED.kernel));
    cpSync(modules, join(fresh, PREPARED.modules), { recursive: true });
    cpSync(join(unpacked, "bin/busybox"), join(fresh, PREPARED.busybox));
    cpSync(join(unpacked, "usr/share/seabios/bios.bin"), join(fresh, PREPARED.bios));
    writeFileSync(join(fresh, PREPARED.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return manifest;
}
