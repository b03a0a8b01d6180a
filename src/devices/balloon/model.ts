/**
 * virtio-balloon [virtio 1.4, 5.5]: the host says how many pages it would like, the guest hands them over and takes
 * them back, and may be asked how its memory is doing. Pages handed over belong to the host until they are returned.
 */
import {
  type DeviceContext,
  type DeviceModel,
  type DeviceQueue,
  type Platform,
  UsageError,
} from "../../host/index.ts";
import {
  BALLOON_CONFIG,
  BALLOON_FEATURE,
  BALLOON_PAGE_SIZE,
  BALLOON_QUEUE,
  type BalloonStats,
} from "../../wire/balloon.ts";
import { getU32, putU32 } from "../../wire/bytes.ts";
import { featureMask, hasFeature } from "../../wire/features.ts";
import { balloonCommands } from "./commands.ts";
import { Inflation } from "./inflation.ts";
import { Statistics } from "./statistics.ts";

export interface BalloonOptions {
  readonly targetPages: number;
  readonly mustTellHost: boolean;
  readonly deflateOnOom: boolean;
  /** Milliseconds between requests for statistics; 0: only when asked. */
  readonly statsMs: number;
}

export class BalloonModel implements DeviceModel {
  readonly features: number;
  readonly queues = [{ name: "inflate" }, { name: "deflate" }, { name: "stats" }];
  readonly config = new Uint8Array(BALLOON_CONFIG.bytes);
  readonly commands = balloonCommands(this);
  readonly #statsMs: number;
  readonly #platform: Platform;
  readonly #statistics = new Statistics();
  #context: DeviceContext | undefined;
  #inflation: Inflation | undefined;
  #stopTimer: () => void = () => {};

  constructor(options: BalloonOptions, platform: Platform) {
    const { STATS_VQ, MUST_TELL_HOST, DEFLATE_ON_OOM } = BALLOON_FEATURE;
    this.#statsMs = options.statsMs;
    this.#platform = platform;
    this.features = featureMask(
      STATS_VQ,
      ...(options.mustTellHost ? [MUST_TELL_HOST] : []),
      ...(options.deflateOnOom ? [DEFLATE_ON_OOM] : []),
    );
    putU32(this.config, BALLOON_CONFIG.numPages, options.targetPages);
  }

  get targetPages(): number {
    return getU32(this.config, BALLOON_CONFIG.numPages);
  }
  /** What the driver says. */
  get actualPages(): number {
    return getU32(this.config, BALLOON_CONFIG.actual);
  }
  /** What it has handed over. */
  get heldPages(): number {
    return this.#inflation?.count ?? 0;
  }

  /** The guest follows as it can. */
  setTarget(pages: number, context: DeviceContext): void {
    const limit = context.ram.size / BALLOON_PAGE_SIZE;
    if (pages > limit) {
      throw new UsageError(`balloon: expected a target up to the guest's ${limit} pages, found ${pages}`);
    }
    putU32(this.config, BALLOON_CONFIG.numPages, pages);
    context.updateConfig(BALLOON_CONFIG.numPages, this.config.slice(0, 4));
  }

  freshStats(context: DeviceContext): Promise<BalloonStats> {
    if (!hasFeature(context.features, BALLOON_FEATURE.STATS_VQ)) {
      throw new UsageError("balloon: no driver that reports statistics is there");
    }
    return this.#statistics.fresh();
  }

  queueNotified(queue: DeviceQueue, context: DeviceContext): void {
    const inflation = this.#attach(context);
    if (queue.index === BALLOON_QUEUE.inflate) inflation.inflate(queue);
    else if (queue.index === BALLOON_QUEUE.deflate) inflation.deflate(queue);
    else this.#statistics.arrived(queue);
  }

  started(): void {
    if (this.#statsMs > 0) this.#askAgain();
  }

  /** `actual` is the driver's to write, the target is not. */
  configWritten(_offset: number, _length: number, context: DeviceContext): void {
    const { actual, numPages } = BALLOON_CONFIG;
    this.config.set(context.config.subarray(actual, actual + 4), actual);
    context.config.set(this.config.subarray(numPages, numPages + 4), numPages);
  }

  reset(context: DeviceContext): void {
    this.#stopTimer();
    this.#inflation?.reset();
    this.#statistics.reset();
    putU32(this.config, BALLOON_CONFIG.actual, 0);
    context.config.set(this.config);
  }

  close(): void {
    this.#stopTimer();
    this.#inflation?.close();
  }

  describe() {
    const { targetPages, actualPages, heldPages } = this;
    return { targetPages, actualPages, heldPages, stats: this.#statistics.latest ?? null };
  }

  #attach(context: DeviceContext): Inflation {
    if (this.#inflation === undefined || this.#context !== context) {
      this.#context = context;
      this.#inflation = new Inflation(context);
    }
    return this.#inflation;
  }

  #askAgain(): void {
    this.#stopTimer = this.#platform.after(this.#statsMs, () => {
      this.#statistics.ask();
      this.#askAgain();
    });
  }
}
