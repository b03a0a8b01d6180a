/**
 * Port mailbox: a guest CPU's port and MMIO accesses travel to the host as records through a single-producer,
 * single-consumer ring. Writes are posted. A read is a record too, served in its turn, so it completes after every
 * earlier write: a driver's flush read means what it means on PCI.
 *
 *   head     records published by the guest (u32, free-running); for its own start and for stall reports
 *   tail     records retired by the host
 *   reply    word 0: number of the record answered last; word 1: the answer (one read is outstanding at most). A number
 *            and no count, so that a host that takes over from one that died may answer the same record again
 *   record   word 0: operation | width << 8; word 1: address; word 2: value; word 3: its number, counted from 1
 *
 * The host looks for the next record's number, so that a request crosses between the cores as one cache line. Fields are
 * `private` and not `#private` for the reason that `LiveMemory` has.
 */
import type { Doorbell } from "../memory/doorbell.ts";
import { type CpuPlan, MAILBOX_RECORD_BYTES, MAILBOX_SLOTS } from "../memory/plan.ts";
import type { SharedMemory } from "../memory/shared-memory.ts";
import { CONFIG_ADDRESS_PORT } from "../wire/pci.ts";
import { site } from "../wire/sites.ts";
import type { KickSender } from "./kick.ts";
import { BusTimeoutError, type PortBus, type PortHandler, type Width } from "./port-bus.ts";

const OPERATION = { IN: 1, OUT: 2, MMIO_READ: 3, MMIO_WRITE: 4, FENCE: 5 } as const;
const OPERATION_NAMES = ["", "in", "out", "mmio read", "mmio write", "fence"];

const WRITE_REQUEST = site("mailbox: write request");
const PUBLISH_REQUEST = site("mailbox: publish request");
const READ_REQUEST_INDEX = site("mailbox: read request index");
const READ_REQUEST = site("mailbox: read request");
const RETIRE = site("mailbox: retire request");
const READ_SPACE = site("mailbox: read space");
const WRITE_REPLY = site("mailbox: write reply");
const PUBLISH_REPLY = site("mailbox: publish reply");
const READ_REPLY_INDEX = site("mailbox: read reply index");
const READ_REPLY = site("mailbox: read reply");

/** Where in a record its number is. */
const NUMBER = 12;
const SLOT_MASK = MAILBOX_SLOTS - 1;
/**
 * Records posted and not served, at most. One slot is kept for the fence, and one for a record that a host answered before
 * it died: the guest takes it for retired, and the host after that one still looks for it.
 */
const POSTED_MOST = MAILBOX_SLOTS - 2;
/** Looks at the reply before sleeping: about 30 µs, several times what a polling host needs to answer. */
const SPINS = 2000;

export interface MailboxOptions {
  /** How long a read may take before it is a finding, in milliseconds. */
  readonly deadlineMs?: number;
  /** Looks at the reply before sleeping. */
  readonly spins?: number;
}

/** The guest's end, one per virtual CPU. */
export class MailboxBus implements PortBus {
  protected readonly memory: SharedMemory;
  protected readonly plan: CpuPlan;
  private readonly host: Doorbell;
  protected readonly own: Doorbell;
  private readonly kicks: KickSender | undefined;
  private readonly deadlineMs: number;
  private readonly spins: number;
  private head: number;
  /** Last tail seen: stale in the safe direction (less space than there is). */
  private tail: number;
  /** Set when a read expired: nobody knows what was served and what will be, so nothing is asked any more. */
  private lost: BusTimeoutError | undefined;

  constructor(
    memory: SharedMemory,
    plan: CpuPlan,
    bells: { host: Doorbell; cpu: Doorbell },
    kicks: KickSender | undefined,
    options: MailboxOptions = {},
  ) {
    this.memory = memory;
    this.plan = plan;
    this.host = bells.host;
    this.own = bells.cpu;
    this.kicks = kicks;
    this.deadlineMs = options.deadlineMs ?? 10_000;
    this.spins = options.spins ?? SPINS;
    this.head = memory.load32(plan.mailboxHead, READ_SPACE);
    this.tail = memory.load32(plan.mailboxTail, READ_SPACE);
  }

  in(port: number, width: Width): number {
    return this.call(OPERATION.IN, width, port, 0);
  }
  out(port: number, width: Width, value: number): void {
    if (width === 2 && this.kicks !== undefined && this.kicks.tryKick(port, value, this.posted)) return;
    // Configuration writes are not posted on PCI: whatever they move has moved when they return.
    if ((port & 0xfff8) === CONFIG_ADDRESS_PORT) this.call(OPERATION.OUT, width, port, value);
    else this.post(OPERATION.OUT, width, port, value);
  }
  mmioRead(address: number, width: Width): number {
    return this.call(OPERATION.MMIO_READ, width, address, 0);
  }
  mmioWrite(address: number, width: Width, value: number): void {
    this.post(OPERATION.MMIO_WRITE, width, address, value);
  }

  /** Whether a write that was posted may not have been served yet. */
  private readonly posted = (): boolean => {
    // Ordering L: tail, then what the records before it have changed.
    if (this.head !== this.tail) this.tail = this.memory.load32(this.plan.mailboxTail, READ_SPACE);
    return this.head !== this.tail;
  };

  private post(operation: number, width: number, address: number, value: number): void {
    if ((this.head - this.tail) >>> 0 >= POSTED_MOST) {
      // Ordering L: tail, then the records it gives back.
      this.tail = this.memory.load32(this.plan.mailboxTail, READ_SPACE);
      // A fence waits until everything posted has been served.
      if ((this.head - this.tail) >>> 0 >= POSTED_MOST) this.call(OPERATION.FENCE, 1, 0, 0);
    }
    this.publish(operation | (width << 8), address, value);
  }

  private call(operation: number, width: number, address: number, value: number): number {
    this.publish(operation | (width << 8) | 0x8000, address, value);
    this.awaitReply(this.head, operation, width, address);
    this.tail = this.head;
    return this.memory.read32(this.plan.mailboxReply + 4, READ_REPLY) >>> 0;
  }

  private publish(head: number, address: number, value: number): void {
    if (this.lost !== undefined) throw this.lost;
    const memory = this.memory;
    const record = this.plan.mailboxRecords + (this.head & SLOT_MASK) * MAILBOX_RECORD_BYTES;
    memory.write32(record, head, WRITE_REQUEST);
    memory.write32(record + 4, address, WRITE_REQUEST);
    memory.write32(record + 8, value, WRITE_REQUEST);
    this.head = (this.head + 1) >>> 0;
    memory.write32(this.plan.mailboxHead, this.head, WRITE_REQUEST);
    // Ordering E: record, then its number. Ordering I: the number, then look for a sleeping host.
    memory.store32(record + NUMBER, this.head, PUBLISH_REQUEST);
    this.host.ring();
  }

  /** Returns when the record of this number has been answered. */
  protected awaitReply(record: number, operation: number, width: number, address: number): void {
    const memory = this.memory;
    const reply = this.plan.mailboxReply;
    // Ordering F: the reply's number, then its value.
    for (let spin = 0; spin < this.spins; spin++) {
      if (memory.load32(reply, READ_REPLY_INDEX) === record) return;
    }
    const deadline = performance.now() + this.deadlineMs;
    while (true) {
      // Ordering I: announce, then look for the reply.
      const ticket = this.own.announce();
      if (memory.load32(reply, READ_REPLY_INDEX) === record) {
        this.own.cancel();
        return;
      }
      this.own.sleep(ticket, Math.max(0, deadline - performance.now()));
      if (memory.load32(reply, READ_REPLY_INDEX) === record) return;
      if (performance.now() >= deadline) {
        this.lost = new BusTimeoutError(
          `no answer from the host within ${this.deadlineMs} ms: ${OPERATION_NAMES[operation]} of ${width} ` +
            `bytes at 0x${address.toString(16)} (record ${record}, host retired ` +
            `${memory.load32(this.plan.mailboxTail, READ_SPACE)})`,
        );
        throw this.lost;
      }
    }
  }
}

/** The host's end of one CPU's mailbox. */
export class MailboxServer {
  protected readonly memory: SharedMemory;
  protected readonly plan: CpuPlan;
  private readonly cpu: Doorbell;
  private tail: number;
  /** Where the next record will be, and its number. */
  private record: number;
  private next: number;

  constructor(memory: SharedMemory, plan: CpuPlan, cpuDoorbell: Doorbell) {
    this.memory = memory;
    this.plan = plan;
    this.cpu = cpuDoorbell;
    this.tail = memory.load32(plan.mailboxTail, READ_SPACE);
    this.record = this.recordAfter(this.tail);
    this.next = (this.tail + 1) >>> 0;
  }

  pending(): boolean {
    return this.memory.load32(this.record + NUMBER, READ_REQUEST_INDEX) === this.next;
  }

  /** Serves what is there, one ring's worth at most; returns how many records. */
  serve(handler: PortHandler): number {
    const memory = this.memory;
    let served = 0;
    // Ordering E: the record's number, then the record.
    while (served < MAILBOX_SLOTS && this.pending()) {
      const record = this.record;
      const head = memory.read32(record, READ_REQUEST);
      const address = memory.read32(record + 4, READ_REQUEST);
      const value = memory.read32(record + 8, READ_REQUEST);
      const result = perform(handler, head & 0xff, ((head >>> 8) & 0x7f) as Width, address, value);
      this.tail = this.next;
      this.record = this.recordAfter(this.tail);
      this.next = (this.tail + 1) >>> 0;
      served++;
      // The guest waits for the reply and not for the tail, which a reply implies.
      if ((head & 0x8000) !== 0) this.reply(result);
      // Ordering L: the record has been read, then tail.
      memory.store32(this.plan.mailboxTail, this.tail, RETIRE);
    }
    return served;
  }

  private recordAfter(tail: number): number {
    return this.plan.mailboxRecords + (tail & SLOT_MASK) * MAILBOX_RECORD_BYTES;
  }

  private reply(value: number): void {
    const memory = this.memory;
    memory.write32(this.plan.mailboxReply + 4, value, WRITE_REPLY);
    // Ordering F: value, then the reply. Ordering I: the reply, then look for a sleeping guest.
    memory.store32(this.plan.mailboxReply, this.tail, PUBLISH_REPLY);
    this.cpu.ring();
  }
}

function perform(
  handler: PortHandler,
  operation: number,
  width: Width,
  address: number,
  value: number,
): number {
  switch (operation) {
    case OPERATION.IN:
      return handler.portRead(address, width);
    case OPERATION.OUT:
      handler.portWrite(address, width, value);
      return 0;
    case OPERATION.MMIO_READ:
      return handler.mmioRead(address, width);
    case OPERATION.MMIO_WRITE:
      handler.mmioWrite(address, width, value);
      return 0;
    default:
      return 0;
  }
}
