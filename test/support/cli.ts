/** Runs the command line from the sources, as a shell would. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import { explain, virtlab } from "../../src/cli/program.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LOADER = new URL("../../workers/typescript.mjs", import.meta.url).href;

/** What node is given to run one of this project's TypeScript files. */
export const fromSources = (path: string): string[] => ["--import", LOADER, path];

/** What node is given to be `virtlab`. */
export const VIRTLAB = fromSources(fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url)));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function startCli(
  args: readonly string[],
  cwd = ROOT,
  env: Readonly<Record<string, string>> = {},
  stdout: "pipe" | number = "pipe",
): { child: ChildProcess; done: Promise<CliResult> } {
  const child = spawn(process.execPath, [...VIRTLAB, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", stdout, "pipe"],
  });
  const text = { stdout: "", stderr: "" };
  child.stdout?.on("data", (data) => (text.stdout += data));
  child.stderr?.on("data", (data) => (text.stderr += data));
  const done = new Promise<CliResult>((resolve) => child.once("close", (code) => resolve({ code, ...text })));
  return { child, done };
}

export const cli = (...args: string[]): Promise<CliResult> => startCli(args).done;

/** The same in this process: what a command prints and its exit code, without what a process takes to start. */
export async function cliHere(...args: string[]): Promise<CliResult & { code: number }> {
  const text = { stdout: "", stderr: "" };
  const writes = (["stdout", "stderr"] as const).map((stream) =>
    vi.spyOn(process[stream], "write").mockImplementation((data) => {
      text[stream] += data;
      return true;
    }),
  );
  const { exitCode } = process;
  process.exitCode = undefined;
  try {
    await virtlab().parseAsync(args, { from: "user" });
    return { code: Number(process.exitCode ?? 0), ...text };
  } catch (error) {
    return { code: explain(error), ...text };
  } finally {
    process.exitCode = exitCode;
    for (const write of writes) write.mockRestore();
  }
}
