/** One episode: a machine, its program, and what was found. Runs in a thread of the campaign's pool. */
import { Machine } from "../machine/machine.ts";
import type { EpisodeResult } from "./episode-program.ts";
import type { Episode } from "./swarm.ts";

export interface EpisodeReport {
  readonly seed: number;
  readonly finding: { readonly what: string; readonly detail: string } | null;
  readonly result: EpisodeResult | null;
  readonly kicks: number;
  readonly interrupts: number;
}

const PROGRAM = new URL(
  `./episode-program.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
  import.meta.url,
);

export async function runEpisode(episode: Episode): Promise<EpisodeReport> {
  const { seed } = episode;
  let machine: Machine | undefined;
  try {
    machine = await Machine.start(episode.machine);
    const report = await machine.run(PROGRAM, episode);
    await machine.stop();
    const sum = (name: "kicksSent" | "interruptsSent") =>
      report.queues.reduce((total, queue) => total + (queue[name] ?? 0), 0);
    return {
      seed,
      finding:
        report.verdict === "completed"
          ? null
          : {
              what: `${report.verdict}: ${report.reason}`,
              detail: JSON.stringify({ ...report, result: undefined }),
            },
      result: report.result as EpisodeResult | null,
      kicks: sum("kicksSent"),
      interrupts: sum("interruptsSent"),
    };
  } catch (error) {
    await machine?.end();
    const { message, stack } = error as Error;
    return {
      seed,
      finding: { what: message, detail: stack ?? message },
      result: null,
      kicks: 0,
      interrupts: 0,
    };
  }
}

export default runEpisode;
