/** What a driver and a device have said to each other between two resets. */

/** A vector register that was written and not read back yet. */
export interface VectorDue {
  readonly name: "configVector" | "queueVector";
  readonly vector: number;
  readonly before: number;
  readonly queue: number;
}

/** What a driver said that it wants to receive. */
export interface NetFilter {
  /** By command, what was acknowledged last. */
  readonly modes: Map<number, number>;
  /** Addresses in hexadecimal: those listed now, and those listed before. */
  table: Set<string>;
  readonly former: Set<string>;
}

/** What happened to a device between two resets. Fields of single device types are here too: they are few. */
export class Session {
  featuresWritten = false;
  publishedAny = false;
  resetSeen = true;
  statusWritten = false;
  driverOkOnce = false;
  sizeReads = new Set<number>();
  vectorDue: VectorDue | undefined;
  /** Vectors that read back as they were written, by event. */
  accepted = new Map<string, number>();
  refused = new Set<string>();
  vectorsWritten = new Set<string>();
  flushVector = false;
  /** Interrupts taken by the driver and what it did since. */
  isrRead: { value: number; usedLooked: boolean } | undefined;
  configInterrupt: { readBack: Set<number> } | undefined;
  writeback: number | undefined;
  writebackCause: "status" | "features" | undefined;
  net = {
    pairs: 1,
    vlans: new Set<number>(),
    announceSeen: false,
    announceAcked: false,
    macSet: undefined as Uint8Array | undefined,
    filter: { modes: new Map(), table: new Set(), former: new Set() } as NetFilter,
    announceDone: false,
  };
  console = {
    ready: false,
    ports: new Set<number>(),
    consoleUnanswered: new Set<number>(),
    addUnanswered: new Set<number>(),
  };
  balloon = {
    inflating: new Set<number>(),
    ballooned: new Set<number>(),
    deflating: new Set<number>(),
    changed: false,
    statsOffered: 0,
    statsTags: undefined as string | undefined,
    statsDue: false,
  };
}
