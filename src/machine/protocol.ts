/** Control messages between the main thread and the two workers: types only. Data never goes this way. */
import type { MessagePort } from "node:worker_threads";
import type { PartFacts } from "../host/io-thread.ts";
import type { Violation } from "../host/violation.ts";
import type { SharedBuffer } from "../memory/attach.ts";
import type { Finding } from "../monitor/monitor.ts";
import type { QueueCounters } from "../observe/record/counters.ts";
import type { InterruptRow, PciRow, QueueRow } from "../observe/report/tables.ts";
import type { DeviceDescription, MachineSpec } from "./description.ts";

/** What both workers are given when they start. */
export interface SharedParts {
  readonly spec: MachineSpec;
  readonly control: SharedBuffer;
  readonly ram: SharedBuffer;
  /** Event rings of CPU 0 and of the host's threads, where a trace is wanted. */
  readonly events?: {
    readonly host: SharedBuffer;
    readonly guest: SharedBuffer;
    readonly io: readonly SharedBuffer[];
  };
  /** When the machine was made: `performance.timeOrigin` and `now` in milliseconds. Traces count from here. */
  readonly epoch: number;
}

/** Between the host's first thread and an I/O thread: calls that are waited for, and a service (`IoPartService`). */
export interface IoLink {
  /** Counted from 1. */
  readonly thread: number;
  readonly calls: MessagePort;
  readonly parts: MessagePort;
  /** Where I/O threads are watched: what happens at the bus (`BusNews`). */
  readonly news: MessagePort;
}

/** What a host worker is given: links to each of the I/O threads, which have that one to it. */
export interface HostSideParts extends SharedParts {
  readonly links?: readonly IoLink[];
}
export interface IoSideParts extends SharedParts {
  readonly link: IoLink;
}

/** An I/O thread, to the host's first thread: devices come and go. */
export interface IoPartService {
  /** `type` as in a device's description; `share` is what its model shares. */
  addPart(facts: PartFacts, type: string, share: unknown): Promise<Outcome<null>>;
  removePart(part: number): Promise<Outcome<null>>;
}

/** And to the main thread. */
export interface IoService {
  start(): Promise<Outcome<null>>;
  describe(): Promise<IoThreadState>;
}

export interface IoThreadState {
  readonly findings: readonly Finding[] | null;
  readonly violations: readonly CountedViolation[];
  /** Its parts of devices. */
  readonly functions: readonly {
    readonly name: string;
    readonly queues: readonly { readonly counters: QueueCounters }[];
    readonly model: Readonly<Record<string, unknown>>;
  }[];
  readonly log: readonly string[];
}

/** Between CPU 0 and another CPU: calls that are waited for (`ThreadCaller`), and programs to run. */
export interface CpuLink {
  readonly cpu: number;
  readonly calls: MessagePort;
  readonly programs: MessagePort;
}

/** What a guest worker is given: a CPU and its links. CPU 0 has one to each of the others, which have that one. */
export interface GuestSideParts extends SharedParts {
  readonly cpu?: number;
  readonly links?: readonly CpuLink[];
}

/** A fault as data: error classes do not survive the way between threads. */
export interface Fault {
  /** "counterpart": the other side, which is not ours, ended. */
  readonly kind: "usage" | "timeout" | "program" | "internal" | "counterpart";
  readonly message: string;
  readonly stack: string;
}

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: Fault };

export interface CountedViolation extends Violation {
  readonly count: number;
}

/** What a host thread tells as soon as it knows it, because it may be killed: each finding and violation once. */
export type HostNews =
  | { readonly kind: "finding"; readonly finding: Finding }
  | { readonly kind: "violation"; readonly violation: Violation };

export interface HostService {
  /** Opens the devices and begins to serve. With `again` the guest has known other devices in their places. */
  start(devices: readonly DeviceDescription[], again: boolean): Promise<Outcome<null>>;
  describe(): Promise<HostState>;
  /** Resolves when the host can serve no longer because a wait of its own has expired; and why. */
  failure(): Promise<Fault>;
  /** A run-time change of one device, and its answer. */
  command(request: DeviceCommandRequest): Promise<Outcome<unknown>>;
  /** Adds a device to the running machine and tells the guest. Returns its slot. */
  plug(device: DeviceDescription): Promise<Outcome<number>>;
  /** Resolves, with its slot, when the device is out. */
  unplug(request: UnplugRequest): Promise<Outcome<number>>;
  stop(): Promise<void>;
}

export interface UnplugRequest {
  /** As for commands. */
  readonly device: number | string;
  /** Pulled out without asking. */
  readonly surprise: boolean;
}

export interface DeviceCommandRequest {
  /** A slot number, "00:04.0", or the name of a device of which there is one. */
  readonly device: number | string;
  readonly command: string;
  readonly args: readonly string[];
}

export interface FunctionState {
  readonly name: string;
  readonly queues: readonly FunctionQueueState[];
  /** What the device model says of itself. */
  readonly model: Readonly<Record<string, unknown>>;
  /** What its parts on I/O threads say, by thread; only where it has any. */
  readonly parts?: Readonly<Record<number, Readonly<Record<string, unknown>>>>;
}

export interface FunctionQueueState {
  readonly name: string;
  readonly counters: QueueCounters;
  /** The I/O thread that serves it, or did last; 0: the host's first thread. */
  readonly ioThread: number;
}

/** What drivers were found to have broken. */
export interface Found {
  /** What the device side's monitor found; null without one. */
  readonly findings: readonly Finding[] | null;
  readonly violations: readonly CountedViolation[];
}

export interface HostState extends Found {
  /** One per PCI function, its name beginning with its place: "00:04.0 blk". */
  readonly functions: readonly FunctionState[];
  /** Steps of opening devices that have not ended. */
  readonly underWay: readonly string[];
  readonly log: readonly string[];
}

export interface ProgramRequest {
  readonly module: string;
  readonly args: unknown;
}

/** What tells a machine that moves from one that has stalled. */
export interface GuestProgress {
  /** Requests that somebody awaits. */
  readonly outstanding: number;
  readonly completed: number;
  /** How often the guest's loop went to sleep. */
  readonly sleeps: number;
  /** The program waits for a timer, a file or a socket of its own. */
  readonly waitsForOthers: boolean;
  /** What the program last said of its own progress. */
  readonly report: { readonly label: string; readonly done: number; readonly total: number } | null;
}

export interface GuestService {
  /** Enumerates the bus and binds drivers. */
  start(): Promise<Outcome<null>>;
  run(request: ProgramRequest): Promise<Outcome<unknown>>;
  /** Takes what interrupts are pending, where no program runs that would. */
  attend(): Promise<Outcome<null>>;
  progress(): Promise<GuestProgress>;
  describe(): Promise<GuestState>;
}

export interface DriverQueueState extends QueueRow {
  readonly busName: string;
  readonly index: number;
  /** Of its device: requests that somebody awaits. What is only offered for the device to fill is none. */
  readonly outstanding: number;
}

export interface GuestTotals {
  readonly kicksSent: number;
  readonly interruptsTaken: number;
}

export interface GuestState {
  /** What the driver side's monitor found; null without one. */
  readonly findings: readonly Finding[] | null;
  readonly pci: readonly PciRow[];
  readonly interrupts: {
    readonly tiers: Readonly<Record<string, string>>;
    readonly lines: readonly InterruptRow[];
  };
  /** Over the guest's whole life, whatever became of queues, irqs, devices and hosts. */
  readonly totals: GuestTotals;
  /** The driver's side: its interrupt columns are zero, for it receives them. */
  readonly queues: readonly DriverQueueState[];
  readonly log: readonly string[];
}
