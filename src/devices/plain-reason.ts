/** An operating system's error in plain words. */

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "a read-only file system",
  EISDIR: "a directory",
  ENOTDIR: "a path through something that is no directory",
  ENOSPC: "a full disk",
  ECONNREFUSED: "nobody listening there",
  EADDRINUSE: "an address in use",
  EADDRNOTAVAIL: "an address that is not this machine's",
  ENOTFOUND: "a host name that nobody knows",
  ETIMEDOUT: "no answer",
};

export function plainReason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code === undefined ? undefined : WORDS[code]) ?? message ?? String(error);
}
