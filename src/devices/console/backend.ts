/**
 * What is at the host's end of a console port. A back-end is asked for input one piece at a time, when the guest has
 * taken the last one: one that reads its source only then loses nothing, however slow the guest is.
 */
export interface ConsoleBackend {
  /** Bytes for the guest. Ends with its source, and when the back-end is closed; throws if the source fails. */
  readonly input: AsyncIterable<Uint8Array>;
  /**
   * Bytes from the guest, the back-end's to keep. A promise holds up what comes after; it rejects if the bytes are
   * lost, with the reason.
   */
  write(bytes: Uint8Array): void | Promise<void>;
  /** Whether somebody is at the other end: the guest hears of changes as PORT_OPEN. */
  readonly connected: boolean;
  /** For the device: called when `connected` changes. */
  onConnection: (connected: boolean) => void;
  close(): void | Promise<void>;
  describe?(): Record<string, unknown>;
}
