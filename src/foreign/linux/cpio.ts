/** An archive in the "newc" format, which the kernel unpacks as its first file system [cpio(5)]. */

export interface CpioEntry {
  /** Path without a leading slash. */
  readonly path: string;
  /** File type and permissions, e.g. 0o100755. */
  readonly mode: number;
  readonly content?: Uint8Array;
  /** Of a device node. */
  readonly device?: readonly [major: number, minor: number];
}

export const directory = (path: string): CpioEntry => ({ path, mode: 0o040755 });
export const executable = (path: string, content: Uint8Array): CpioEntry => ({
  path,
  mode: 0o100755,
  content,
});
export const characterDevice = (path: string, major: number, minor: number): CpioEntry => ({
  path,
  mode: 0o020600,
  device: [major, minor],
});

const TRAILER: CpioEntry = { path: "TRAILER!!!", mode: 0 };
const ALIGN = 4;

export function cpioArchive(entries: readonly CpioEntry[]): Uint8Array {
  return Buffer.concat([...entries, TRAILER].flatMap((entry, index) => record(entry, index + 1)));
}

function record({ path, mode, content = new Uint8Array(), device = [0, 0] }: CpioEntry, inode: number) {
  const name = Buffer.from(`${path}\0`);
  const fields = [
    inode,
    mode,
    0, // owner
    0, // group
    1, // links
    0, // time: always the same, so that the same files make the same archive
    content.length,
    0, // device that holds the archive's file
    0,
    ...device,
    name.length,
    0, // checksum, not used in this format
  ];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
  const head = Buffer.concat([Buffer.from(header), name]);
  return [head, padding(head.length), content, padding(content.length)];
}

const padding = (length: number): Uint8Array => new Uint8Array(-length & (ALIGN - 1));
