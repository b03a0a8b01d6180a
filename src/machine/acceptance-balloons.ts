/** The acceptance run's balloon part: each takes an eighth of the guest's memory, then goes back to where it was. */
import { BALLOON_PAGE_SIZE } from "../wire/balloon.ts";
import { sizeInBytes } from "../wire/size.ts";
import type { DeviceSpec } from "./description.ts";
import type { RunnableMachine } from "./run.ts";
import type { GivenPages } from "./workloads/balloons.ts";

export interface BalloonResult {
  readonly slot: number;
  readonly targetPages: number;
  /** What the guest gave; null where it could not say. */
  readonly givenPages: number | null;
  readonly finalTargetPages: number;
  readonly finalPages: number | null;
}

const WORKLOAD = new URL(
  `./workloads/balloons.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
  import.meta.url,
);

export async function exerciseBalloons(machine: RunnableMachine): Promise<BalloonResult[]> {
  const { devices, memory } = machine.spec;
  const balloons = devices.filter(({ type }) => type === "balloon").sort((a, b) => a.slot - b.slot);
  const targetPages = Math.floor(memory / 8 / balloons.length / BALLOON_PAGE_SIZE);
  if (balloons.length === 0) return [];
  const given = await follow(
    machine,
    balloons.map((device) => ({ device, pages: targetPages })),
  );
  const final = await follow(
    machine,
    balloons.map((device) => ({ device, pages: initialPages(device) })),
  );
  return balloons.map((device, index) => ({
    slot: device.slot,
    targetPages,
    givenPages: given[index] ?? null,
    finalTargetPages: initialPages(device),
    finalPages: final[index] ?? null,
  }));
}

export function compareBalloons(results: readonly BalloonResult[]): string[] {
  return results.flatMap(({ slot, targetPages, givenPages, finalTargetPages, finalPages }) => [
    ...(givenPages === targetPages
      ? []
      : [`balloon in slot ${slot}: ${givenPages} of ${targetPages} pages given`]),
    ...(finalPages === finalTargetPages
      ? []
      : [`balloon in slot ${slot}: back at ${finalPages} pages, expected ${finalTargetPages}`]),
  ]);
}

const initialPages = ({ options }: DeviceSpec): number =>
  (sizeInBytes(String(options.target ?? 0)) ?? 0) / BALLOON_PAGE_SIZE;

async function follow(
  machine: RunnableMachine,
  targets: readonly { device: DeviceSpec; pages: number }[],
): Promise<GivenPages> {
  for (const { device, pages } of targets) {
    await machine.deviceCommand(device.slot, "target", String(pages * BALLOON_PAGE_SIZE));
  }
  const report = await machine.run(WORKLOAD);
  return Array.isArray(report.result) ? (report.result as GivenPages) : [];
}
