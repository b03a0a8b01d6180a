/** Which QEMU there is, or what to do about there being none. */
import { execFileSync } from "node:child_process";
import { UsageError } from "../../host/device.ts";

const DEFAULT_PROGRAM = "qemu-system-x86_64";
/** The oldest that was tried; its machine options are the youngest thing that is needed. */
const OLDEST = [7, 2] as const;

export interface QemuProgram {
  readonly path: string;
  /** "7.2.22" */
  readonly version: string;
}

/** Throws `UsageError` when QEMU is missing, too old or not QEMU. The environment may name another program. */
export function findQemu(path = process.env.VIRTLAB_QEMU ?? DEFAULT_PROGRAM): QemuProgram {
  const answer = askVersion(path);
  const match = /QEMU emulator version (\d+)\.(\d+)(\.\d+)?/.exec(answer);
  if (match === null)
    throw new UsageError(`${path} does not say that it is QEMU: "${answer.slice(0, 80).trim()}"`);
  const [major, minor] = [Number(match[1]), Number(match[2])];
  const version = `${major}.${minor}${match[3] ?? ""}`;
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new UsageError(`${path} is QEMU ${version}; expected ${OLDEST.join(".")} or later`);
  }
  return { path, version };
}

function askVersion(path: string): string {
  try {
    return execFileSync(path, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT") throw new UsageError(`${path} --version failed: ${message}`);
    throw new UsageError(
      `${path} is not installed; on Debian and Ubuntu: apt-get install qemu-system-x86 (or set VIRTLAB_QEMU)`,
    );
  }
}
