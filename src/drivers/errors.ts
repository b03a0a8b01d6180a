/** The device was reset or removed before it answered. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";
}
