/**
 * Register traffic as a file that people can read and attach to a bug report: a line per access, in order. Ring
 * contents are not in it: a replay tells what the registers of a device do, and nothing about its requests.
 *
 *   # virtlab registers 1
 *   # device blk,size=4M
 *   # slot 4, indirect on, event-index on
 *   r pci 00 2 1af4
 *   w io 12 1 3
 *
 * Spaces: pci (configuration space), io (I/O BAR0), msix (memory BAR1). Offsets and values are hexadecimal.
 */
import type { TraceEvent } from "../record/event.ts";
import { SPACES } from "../record/recorder.ts";

export interface RegisterAccess {
  readonly write: boolean;
  readonly space: "pci" | "io" | "msix";
  readonly offset: number;
  readonly width: 1 | 2 | 4;
  readonly value: number;
}

export interface RegisterFile {
  /** As for `--device`: a type and its options. */
  readonly device: string;
  readonly slot: number;
  readonly indirect: boolean;
  readonly eventIndex: boolean;
  readonly accesses: readonly RegisterAccess[];
}

const VERSION = 1;
const FIRST = `# virtlab registers ${VERSION}`;

export class RegisterFileError extends Error {
  override readonly name = "RegisterFileError";
}

const NOTIFY_OFFSET = 16;

/** The accesses to one slot among a thread's events. */
export function accessesOf(events: readonly TraceEvent[], slot: number): RegisterAccess[] {
  return events.flatMap((event) => {
    if (event.slot !== slot || (event.kind !== "access" && event.kind !== "kick")) return [];
    const space = event.detail >>> 9;
    return [
      {
        write: (event.detail & 0x100) !== 0,
        space: space === SPACES.pci ? "pci" : space === SPACES.msix ? "msix" : "io",
        offset: event.kind === "kick" ? NOTIFY_OFFSET : event.place,
        width: (event.detail & 0xff) as 1 | 2 | 4,
        value: event.value,
      },
    ];
  });
}

export function formatRegisters({ device, slot, indirect, eventIndex, accesses }: RegisterFile): string {
  const lines = accesses.map(
    ({ write, space, offset, width, value }) =>
      `${write ? "w" : "r"} ${space} ${offset.toString(16).padStart(2, "0")} ${width} ${value.toString(16)}`,
  );
  return `${FIRST}\n# device ${device}\n# slot ${slot}, indirect ${onOff(indirect)}, event-index ${onOff(eventIndex)}\n${lines.join("\n")}\n`;
}

const onOff = (on: boolean): string => (on ? "on" : "off");

const PLACE = /^# slot (\d+), indirect (on|off), event-index (on|off)$/;
const LINE = /^([rw]) (pci|io|msix) ([0-9a-f]+) ([124]) ([0-9a-f]+)$/;

export function parseRegisters(text: string, name: string): RegisterFile {
  const lines = text.split("\n");
  if (text === "") throw new RegisterFileError(`${name} is empty`);
  if (lines[0] !== FIRST) {
    const version = /^# virtlab registers (\d+)$/.exec(lines[0] ?? "")?.[1];
    throw new RegisterFileError(
      version === undefined
        ? `${name} holds no register traffic`
        : `${name} has version ${version}; this virtlab reads version ${VERSION}`,
    );
  }
  if (!text.endsWith("\n")) throw new RegisterFileError(`${name} is cut short in line ${lines.length}`);
  const device = /^# device (.+)$/.exec(lines[1] ?? "")?.[1];
  const [, slot, indirect, eventIndex] = PLACE.exec(lines[2] ?? "") ?? [];
  if (device === undefined || slot === undefined)
    throw new RegisterFileError(`${name} does not say which device`);
  const accesses = lines.slice(3, -1).flatMap((line, index) => {
    if (line === "" || line.startsWith("#")) return [];
    return [parseLine(line, `${name}:${index + 4}`)];
  });
  return {
    device,
    slot: Number(slot),
    indirect: indirect === "on",
    eventIndex: eventIndex === "on",
    accesses,
  };
}

function parseLine(line: string, place: string): RegisterAccess {
  const [, direction, space, offset, width, value] = LINE.exec(line) ?? [];
  if (direction === undefined || space === undefined || offset === undefined || value === undefined) {
    throw new RegisterFileError(`${place}: expected "r|w pci|io|msix offset width value", got "${line}"`);
  }
  return {
    write: direction === "w",
    space: space as RegisterAccess["space"],
    offset: Number.parseInt(offset, 16),
    width: Number(width) as 1 | 2 | 4,
    value: Number.parseInt(value, 16),
  };
}
