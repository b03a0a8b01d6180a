/**
 * A peer's breach of the protocol is a value, never a thrown error: what rule, where, what was found. The device
 * stops using the queue (or ignores the access) and the machine reports it.
 */

export type ViolationKind =
  | "queue-size"
  | "queue-address"
  | "avail-index"
  | "head-range"
  | "head-in-flight"
  | "next-range"
  | "chain-loop"
  | "chain-length"
  | "descriptor-address"
  | "descriptor-order"
  | "descriptor-flags"
  | "indirect-not-negotiated"
  | "indirect-nested"
  | "indirect-next"
  | "indirect-length"
  | "indirect-address"
  | "request-format"
  | "ballooned-page"
  | "status-step"
  | "feature-not-offered"
  | "register-width"
  | "register-read-only"
  | "vector-range"
  | "notify-range";

export interface Violation {
  readonly kind: ViolationKind;
  /** The function's name, e.g. "00:04.0 blk". */
  readonly device: string;
  /** Queue index, or -1 where it concerns registers. */
  readonly queue: number;
  /** In the protocol's words: "avail.idx 700, last 10, queue size 256". */
  readonly detail: string;
}

/** Receives violations; the machine collects them, counts what repeats, and prints each kind once. */
export type ViolationSink = (violation: Violation) => void;
