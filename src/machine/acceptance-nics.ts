/** What the acceptance run asks of each network device, by its description, and what must have come of it. */
import { CaptureError, CaptureReader } from "../devices/net/capture-reader.ts";
import type { DeviceSpec } from "./description.ts";
import { FrameHash, type NicResult, type NicTask } from "./workloads/nics.ts";
import { FrameBag } from "./workloads/spread-replay.ts";

export interface NicPlan {
  readonly task: NicTask;
  /** SHA-256 of the frames in the capture, computed outside the machine. */
  readonly expectedSha256: string | null;
}

const LOOP_FRAMES = 2000;
const PINGS = 10;

/** One plan for each of virtlab's own network devices, in the order in which the guest finds them. */
export function planNics(devices: readonly DeviceSpec[], cpus: number): Promise<NicPlan[]> {
  const nics = devices.filter(({ type }) => type === "net").sort((a, b) => a.slot - b.slot);
  return Promise.all(nics.map(({ options }) => planNic(options, cpus)));
}

async function planNic(options: DeviceSpec["options"], cpus: number): Promise<NicPlan> {
  const { backend = "loop", link, replay, responder, ip = "10.0.2.2", queues } = options;
  const plain = (task: NicTask): NicPlan => ({ task, expectedSha256: null });
  if (link === "down") return plain({ kind: "idle" });
  if (replay !== undefined) return planReplay(String(replay), cpus > 1 && Number(queues ?? 1) > 1);
  if (backend !== "loop") return plain({ kind: "idle" });
  const answers = responder === true || responder === "on" || responder === "true";
  return plain(
    answers ? { kind: "ping", ip: String(ip), count: PINGS } : { kind: "loop", frames: LOOP_FRAMES },
  );
}

/** The whole frames of a capture that ends too early are expected; its end the device reports. */
async function planReplay(path: string, spread: boolean): Promise<NicPlan> {
  // A capture's flows are spread over the CPUs, and nobody can tell their order.
  const hash = spread ? new FrameBag() : new FrameHash();
  const reader = await CaptureReader.open(path);
  try {
    for (let frame = await reader.next(); frame !== undefined; frame = await reader.next()) {
      if (frame.length > 0) hash.add(frame);
    }
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
  } finally {
    await reader.close();
  }
  return { task: { kind: "replay", frames: hash.frames, spread }, expectedSha256: hash.digest() };
}

/** What differed. */
export function compareNics(plans: readonly NicPlan[], results: readonly NicResult[]): string[] {
  return plans.flatMap(({ task, expectedSha256 }, index) => {
    const name = `network interface ${index}`;
    const result = results[index];
    if (result === undefined) return [`${name} was not found`];
    if (task.kind === "replay" && result.frames !== task.frames) {
      return [`${name}: ${result.frames} of ${task.frames} replayed frames arrived`];
    }
    if (expectedSha256 !== null && result.sha256 !== expectedSha256) {
      return [`${name}: SHA-256 of the frames: ${result.sha256} in the guest, ${expectedSha256} outside`];
    }
    if (result.verified !== false) return [];
    return [
      `${name}: ${task.kind === "ping" ? "a ping was not answered" : "frames did not come back as sent"}`,
    ];
  });
}
