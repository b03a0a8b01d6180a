/** Errors as data and back. */
import { BusTimeoutError } from "../bus/port-bus.ts";
import { UsageError } from "../host/device.ts";
import type { Fault, Outcome } from "./protocol.ts";

export function toFault(error: unknown, otherwise: Fault["kind"]): Fault {
  const { name, message, stack } =
    error instanceof Error ? error : { name: "", message: String(error), stack: undefined };
  const kind =
    name === UsageError.prototype.name || error instanceof UsageError
      ? "usage"
      : error instanceof BusTimeoutError
        ? "timeout"
        : otherwise;
  return { kind, message, stack: stack ?? message };
}

/** Runs a step and returns its value or its fault. */
export async function outcomeOf<T>(kind: Fault["kind"], step: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await step() };
  } catch (error) {
    return { ok: false, fault: toFault(error, kind) };
  }
}

/** A fault at the caller's end. */
export class MachineError extends Error {
  override readonly name = "MachineError";
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.message);
    this.fault = fault;
    this.stack = fault.stack;
  }
}

export function unwrap<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  if (outcome.fault.kind === "usage") throw new UsageError(outcome.fault.message);
  throw new MachineError(outcome.fault);
}
