/** What rules are asked about: each moment has a name and carries the model as it is just before it counts. */
import type { FunctionView } from "../observe/record/functions.ts";
import type { LegacyRegister } from "../wire/legacy-registers.ts";
import type { Chain, Device, Queue, Segment, UsedElement } from "./model.ts";
import type { Peek } from "./peek.ts";

export type Side = "driver" | "device";

/** The fields of a ring that one access can mean. */
export const RING_FIELDS = [
  "descriptor",
  "availEntry",
  "availIndex",
  "availFlags",
  "usedEvent",
  "usedElement",
  "usedIndex",
  "usedFlags",
  "availEvent",
] as const;
export type RingField = (typeof RING_FIELDS)[number];

interface At {
  readonly device: Device;
  readonly view: FunctionView;
  readonly peek: Peek;
}
interface AtQueue extends At {
  readonly queue: Queue;
}

export interface Moments {
  /** A write of a register, each by its name; `value` as written. */
  write: At & { readonly name: LegacyRegister; readonly value: number };
  /** A read of a register, with its answer. */
  read: At & { readonly name: LegacyRegister; readonly value: number };
  /** An access to the block that fits no register. */
  odd: At & { readonly offset: number; readonly width: number; readonly write: boolean };
  /** Device configuration. */
  config: At & {
    readonly write: boolean;
    readonly offset: number;
    readonly width: number;
    readonly value: number;
    readonly raw: number;
  };
  /** PCI configuration space. */
  pci: At & {
    readonly write: boolean;
    readonly offset: number;
    readonly width: number;
    readonly value: number;
  };
  /** The driver's first use of the register block since the function was found. */
  met: At;
  /** The driver set DRIVER_OK. */
  started: At;
  /** avail.idx is about to move to `index`. */
  publish: AtQueue & { readonly index: number };
  /** A chain that avail.idx now covers, and whose shape is wrong: before it is `available`. */
  malformed: AtQueue & { readonly chain: Chain };
  /** A chain that avail.idx now covers. */
  available: AtQueue & { readonly chain: Chain };
  /** used.idx is about to move, or was seen to have moved, to `index`. */
  publishUsed: AtQueue & { readonly index: number };
  /** A used element that used.idx now covers, one of `batch`. */
  used: AtQueue & {
    readonly element: UsedElement;
    readonly batch: readonly UsedElement[];
    readonly at: number;
  };
  /** A store into a live ring, by either side. */
  store: AtQueue & {
    readonly side: Side;
    readonly field: RingField;
    readonly slot: number;
    readonly value: number;
  };
  /** A load from a live ring that its site names. */
  look: AtQueue & {
    readonly side: Side;
    readonly field: RingField;
    readonly slot: number;
    readonly value: number;
  };
  /** A ring access by its site that hits no ring: the address is wrong, or the ring is out of service. */
  stray: At & {
    readonly side: Side;
    readonly label: string;
    readonly offset: number;
    readonly retired: boolean;
  };
  /**
   * Bytes of buffers, or whatever else the access hits. The device's are told to the device whose chain they hit;
   * `part` is what they hit of it.
   */
  bytes: At & {
    readonly side: Side;
    readonly write: boolean;
    readonly offset: number;
    readonly length: number;
    readonly queue: Queue | undefined;
    readonly chain: Chain | undefined;
    readonly part: Segment | undefined;
  };
  /** The driver's notify write. */
  kick: At & { readonly index: number; readonly queue: Queue | undefined };
  /** The device asked for an interrupt: ISR bits, the line, or a message. */
  isr: At & { readonly bits: number; readonly queue: Queue | undefined };
  line: At;
  /** For a configuration change, or for a queue: undefined where it is not known which, or in service no more. */
  message: At & { readonly vector: number; readonly queue: Queue | undefined; readonly config: boolean };
  /** One side goes to sleep with nothing more to do: what was due is now missing. */
  driverIdle: At;
  deviceIdle: At;
}

export type MomentName = keyof Moments;

/** What was found, in the protocol's words; anything else: nothing. */
export type Verdict = string | false | undefined;

/** Where a rule has something to say: elsewhere it is not asked. */
export interface Scope {
  /** Virtio id. */
  readonly type?: number;
  readonly side?: Side;
  readonly fields?: readonly RingField[];
  readonly write?: boolean;
}

export interface Rule<Name extends MomentName = MomentName> {
  readonly id: string;
  readonly on: Name;
  readonly scope: Scope;
  test(moment: Moments[Name]): Verdict;
}

/** A rule, with the type of its moment inferred from its name. */
export function rule<Name extends MomentName>(
  id: string,
  on: Name,
  test: (moment: Moments[Name]) => Verdict,
  scope: Scope = {},
): Rule<Name> {
  return { id, on, test, scope };
}

/** The same for one device type. */
export const ruleOf =
  (type: { readonly id: number }) =>
  <Name extends MomentName>(
    id: string,
    on: Name,
    test: (moment: Moments[Name]) => Verdict,
    scope: Omit<Scope, "type"> = {},
  ): Rule<Name> =>
    rule(id, on, test, { ...scope, type: type.id });
