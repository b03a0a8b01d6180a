/** Ends an execution: unwinds whatever an actor was doing. */
export class ExecutionEnded extends Error {
  override readonly name = "ExecutionEnded";
}

/** One for all: an error of its own for every execution would cost more than its accesses. */
export const EXECUTION_ENDED = new ExecutionEnded();
