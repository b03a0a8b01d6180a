/** One QEMU, which never outlives this process, whatever happens to either. */
import { type ChildProcess, spawn } from "node:child_process";
import { CounterpartGoneError } from "../../bus/port-bus.ts";

/** The last of what QEMU said is what matters. */
const STDERR_KEPT = 4000;

export class QemuProcess {
  /** Rejects with a `CounterpartGoneError` when QEMU ends, never resolves. */
  readonly gone: Promise<never>;
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  #stderr = "";
  #exit: string | undefined;
  #refused = false;

  /** `lifeSeconds`: QEMU is killed after that, even if this thread is blocked. */
  constructor(program: string, args: readonly string[], lifeSeconds: number) {
    // A signal at the parent's death, twice: `timeout` stands between, and must not survive us either.
    const [command, ...rest] = [
      ...TIED,
      "timeout",
      "-s",
      "KILL",
      String(lifeSeconds),
      ...TIED,
      program,
      ...args,
    ];
    this.#child = spawn(command ?? "", rest, { stdio: ["ignore", "ignore", "pipe"] });
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_KEPT);
    });
    this.#closed = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#exit ??= error.message;
        resolve();
      });
      this.#child.once("close", (code, signal) => {
        this.#exit ??= signal === null ? `exit code ${code}` : signal;
        this.#refused = signal === null;
        resolve();
      });
    });
    process.on("exit", this.#kill);
    this.gone = this.#closed.then(() => {
      throw new CounterpartGoneError(this.describeEnd());
    });
    this.gone.catch(() => undefined);
  }

  get running(): boolean {
    return this.#exit === undefined;
  }
  /** It ended of its own accord, as it does where it does not like its command line. */
  get refused(): boolean {
    return this.#refused;
  }
  /** What QEMU said, but for a warning that every machine with a network card gives. */
  get stderr(): string {
    return this.#stderr.replaceAll(/^.*warning: hub \d+ is not connected.*$/gm, "").trim();
  }

  describeEnd(): string {
    return `QEMU ended (${this.#exit ?? "no reason known"})${this.stderr === "" ? "" : `: ${this.stderr}`}`;
  }

  async kill(): Promise<void> {
    this.#kill();
    await this.#closed;
    process.off("exit", this.#kill);
  }

  /** Also when this process ends: a worker that waits for QEMU's answer would hold it up. */
  readonly #kill = (): void => {
    this.#child.kill("SIGKILL");
  };
}

const TIED = ["setpriv", "--pdeathsig", "KILL"] as const;
