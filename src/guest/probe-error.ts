/** Why a device could not be set up; `code` is the errno that Linux would give. */
export class ProbeError extends Error {
  override readonly name = "ProbeError";
  readonly code: "ENODEV" | "ENOENT" | "ENOMEM" | "EBUSY" | "EINVAL" | "EIO" | "ENOSPC";

  constructor(code: ProbeError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

export type Log = (message: string) => void;
