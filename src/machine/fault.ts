/** Errors as data and back. */
import { BusTimeoutError, CounterpartGoneError } from "../bus/port-bus.ts";
import { UsageError } from "../host/device.ts";
import type { Fault, Outcome } from "./protocol.ts";

export function toFault(error: unknown, otherwise: Fault["kind"]): Fault {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { kind: kindOf(error) ?? otherwise, message, stack: stack ?? message };
}

/** By name where a user's module may have loaded its own copy of the class. */
function kindOf(error: unknown): Fault["kind"] | undefined {
  if (error instanceof BusTimeoutError) return "timeout";
  if (error instanceof CounterpartGoneError) return "counterpart";
  return error instanceof Error && error.name === "UsageError" ? "usage" : undefined;
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
