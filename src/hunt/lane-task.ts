/** The task of a pool's thread: it keeps a hunter for the target that it was last asked for. */
import { type Batch, HuntBrokenError, Hunter, type HuntRequest, type HuntTarget } from "./hunter.ts";
import { findScenario, loadHuntModule } from "./load.ts";

/** What a pool's thread is asked: to be ready for a target, and to run a batch. */
export interface LaneTask {
  readonly target: Omit<HuntTarget, "scenario"> & { readonly scenario: string };
  readonly request?: HuntRequest;
}

export type LaneReply = { readonly batch: Batch | undefined } | { readonly broken: string };

let kept: { readonly key: string; readonly hunter: Promise<Hunter> } | undefined;

async function hunterFor(target: LaneTask["target"]): Promise<Hunter> {
  const key = JSON.stringify(target);
  if (kept?.key === key) return await kept.hunter;
  const before = kept;
  kept = { key, hunter: started(target) };
  await (await before?.hunter.catch(() => undefined))?.close();
  return await kept.hunter;
}

async function started({ scenario, file, ...rest }: LaneTask["target"]): Promise<Hunter> {
  const own = file === undefined ? [] : (await loadHuntModule(file)).scenarios;
  return await Hunter.start({ ...rest, file, scenario: findScenario(scenario, own) });
}

export default async function runTask({ target, request }: LaneTask): Promise<LaneReply> {
  try {
    const hunter = await hunterFor(target);
    return { batch: request === undefined ? undefined : await hunter.run(request) };
  } catch (error) {
    if (!(error instanceof HuntBrokenError)) throw error;
    kept = undefined;
    return { broken: error.message };
  }
}
