/** A device of a random machine: its queues, its vectors, and whatever its driver negotiates by. */
import type { DeviceDescription } from "../../machine/description.ts";
import type { Misfortune } from "../faults/flaky-disk.ts";
import { FLAKY_DISK } from "../modules.ts";
import type { Dice } from "./dice.ts";
import { REGION_BYTES } from "./disk-ledger.ts";
import type { Own, Stressed } from "./swarm.ts";

export interface DeviceChoice {
  readonly type: Stressed;
  readonly slot: number;
  readonly dice: Dice;
  readonly cpus: number;
  readonly ioThreads: number;
  /** Whether a chain takes one descriptor of the ring, whatever its length. */
  readonly indirect: boolean;
  readonly fewVectors: boolean;
  readonly flaky: boolean;
  readonly own: Own | undefined;
}

/** The path of a scratch file is put in its place when the episode begins. */
export const SCRATCH = "scratch";
export const DISK_BYTES = 1 << 20;

const QUEUE_EXPONENT_MAX = 15;
/** Half of the rings are this small: they are full all the time, and that is where trouble is. */
const SMALL_EXPONENT_MAX = 4;
/** Where there are many rings, memory is left for what they carry. */
const SHARED_EXPONENT_MAX = 12;
/** A request without an indirect table: header, data, status, and one to spare. */
const DIRECT_SIZE_MIN = 4;
/** A legacy frame's header has a descriptor of its own, so that a ring of one entry takes none. */
const NET_SIZE_MIN = 2;
/** Buffers for the longest segments, 64 KiB each, are few. */
const LONG_BUFFERS_MAX = 64;
/** A disk's segments may be told to be so short that a region takes this many. */
const SEGMENTS_MAX = REGION_BYTES / 512;
/** Each port takes two queues, and with them two vectors. */
const PORTS_MAX = 6;
/** A source that gives so little makes its driver wait. */
const SLOW_BYTES_PER_SECOND = 256 * 1024;

export function randomDevice(choice: DeviceChoice): DeviceDescription {
  const { type, slot, dice, fewVectors, own } = choice;
  const queues = randomQueues(choice);
  const queueSize = randomQueueSize(choice, queues);
  const { module, options } = {
    blk: () => randomDisk(choice, queues, queueSize),
    rng: () => ({ module: "rng", options: dice.chance(20) ? { rate: SLOW_BYTES_PER_SECOND } : {} }),
    net: () => ({ module: "net", options: randomNet(choice, queues, queueSize) }),
    console: () => ({
      module: "console",
      options: { echo: true, ...(dice.chance(40) && { ports: 1 + dice.below(4), "max-ports": PORTS_MAX }) },
    }),
    balloon: () => ({
      module: "balloon",
      options: {
        "must-tell-host": dice.chance(50),
        "deflate-on-oom": dice.chance(50),
        ...(dice.chance(30) && { "stats-interval": 1 }),
        target: "1M",
      },
    }),
    own: () => ({
      module: own?.device ?? "blk",
      options: own?.device === undefined ? { file: SCRATCH } : {},
    }),
  }[type]();
  return {
    type: module,
    slot,
    queueSize,
    ...(fewVectors && { vectors: dice.below(4) }),
    options,
  };
}

/** So that each CPU has one, or pair, and each I/O thread. */
function randomQueues({ type, dice, cpus, ioThreads }: DeviceChoice): number {
  const least = dice.chance(20) ? 2 : 1;
  if (type === "blk") return Math.max(least, cpus, ioThreads > 0 ? ioThreads + 1 : 0);
  return type === "net" ? Math.max(least, cpus) : 1;
}

function randomQueueSize({ type, dice, indirect }: DeviceChoice, queues: number): number {
  const most = queues > 1 ? SHARED_EXPONENT_MAX : QUEUE_EXPONENT_MAX;
  const size = dice.powerOfTwo(0, dice.chance(50) ? SMALL_EXPONENT_MAX : most);
  const takesChains = type === "blk" || type === "net";
  // What a user's driver needs is not known.
  const direct = type === "own" || (takesChains && !indirect);
  return Math.max(direct ? DIRECT_SIZE_MIN : type === "net" ? NET_SIZE_MIN : 1, size);
}

function randomDisk({ dice, flaky, indirect }: DeviceChoice, queues: number, queueSize: number) {
  const shortSegments = dice.chance(30) && (indirect || queueSize >= 2 * SEGMENTS_MAX);
  const options = {
    file: SCRATCH,
    queues,
    cache: dice.chance(70) ? "writeback" : "writethrough",
    discard: dice.chance(50),
    "write-zeroes": dice.chance(70),
    ...(dice.chance(20) && { "block-size": REGION_BYTES }),
    ...(shortSegments && { "size-max": 512 * (1 + dice.below(4)), "seg-max": SEGMENTS_MAX }),
  };
  return flaky
    ? { module: FLAKY_DISK, options: { ...options, ...misfortune(dice) } }
    : { module: "blk", options };
}

function randomNet({ dice }: DeviceChoice, queues: number, queueSize: number) {
  const mergeable = dice.chance(60);
  const roomForLong = mergeable || (queues === 1 && queueSize <= LONG_BUFFERS_MAX);
  return {
    backend: "loop",
    queues,
    mergeable,
    segmentation: roomForLong && dice.chance(60),
    checksum: dice.chance(60),
    // Several pairs are switched on by a command.
    control: queues > 1 || dice.chance(70),
    ...(dice.chance(30) && { mtu: dice.pick([1500, 4000, 9000]) }),
  };
}

/** Per mille of requests. */
function misfortune(dice: Dice): Misfortune & { mood: number } {
  return {
    mood: dice.below(2 ** 31),
    eio: dice.chance(50) ? dice.below(100) : 0,
    enospc: dice.chance(50) ? dice.below(100) : 0,
    short: dice.chance(50) ? dice.below(500) : 0,
    late: dice.chance(50) ? dice.below(200) : 0,
    never: dice.chance(30) ? dice.below(10) : 0,
  };
}
