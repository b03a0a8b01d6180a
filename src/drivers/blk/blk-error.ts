/** The device answered, and the answer was no. */
export class BlkError extends Error {
  override readonly name = "BlkError";
  readonly status: "IOERR" | "UNSUPP";

  constructor(status: BlkError["status"], message: string) {
    super(message);
    this.status = status;
  }
}
