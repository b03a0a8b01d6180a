/**
 * What a guest sees of the machine besides RAM: I/O ports and memory-mapped registers, by width. PCI configuration
 * goes through ports 0xCF8 and 0xCFC. Drivers cannot tell who answers: the mailbox, direct calls in one thread,
 * or a foreign machine.
 */

export type Width = 1 | 2 | 4;

export interface PortBus {
  /** Reads a port. Completes after every earlier write. Nobody there: all ones. */
  in(port: number, width: Width): number;
  /** Writes a port: posted and in order, except for PCI configuration, which completes before it returns. */
  out(port: number, width: Width, value: number): void;
  mmioRead(address: number, width: Width): number;
  mmioWrite(address: number, width: Width, value: number): void;
}

/** The other end: whoever decodes the addresses (the host's PCI root). */
export interface PortHandler {
  portRead(port: number, width: Width): number;
  portWrite(port: number, width: Width, value: number): void;
  mmioRead(address: number, width: Width): number;
  mmioWrite(address: number, width: Width, value: number): void;
}

/** What reads as nothing: all ones of the width. */
export const allOnes = (width: Width): number => (width === 4 ? 0xffff_ffff : (1 << (8 * width)) - 1);

/** A bounded wait for the other side expired. It is a finding, never retried. */
export class BusTimeoutError extends Error {
  override readonly name = "BusTimeoutError";
}

/** The other side, a machine that is not ours, has ended. */
export class CounterpartGoneError extends Error {
  override readonly name = "CounterpartGoneError";
}
