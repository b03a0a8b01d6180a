/** The device refused a command, or does not have what it would need. */
export class NetError extends Error {
  override readonly name = "NetError";
}
