/** Runs the command line from the sources, as a shell would. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import { explain, virtlab } from "../../src/cli/program.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

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
  const loader = new URL("../../node_modules/tsx/dist/loader.mjs", import.meta.url).href;
  const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", loader, main, ...args], {
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

/** What a command line that is refused prints, and its exit code, without the second that a process takes to start. */
export async function refused(...args: string[]): Promise<Omit<CliResult, "stdout">> {
  let stderr = "";
  const write = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    stderr += text;
    return true;
  });
  try {
    await virtlab().parseAsync(args, { from: "user" });
    throw new Error(`not refused: virtlab ${args.join(" ")}`);
  } catch (error) {
    return { code: explain(error), stderr };
  } finally {
    write.mockRestore();
  }
}
