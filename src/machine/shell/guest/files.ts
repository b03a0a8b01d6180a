/** `cat` of what a guest's kernel tells about itself, and `lsblk`. */
import type { GuestContext } from "../../../guest/define.ts";
import { UsageError } from "../../../host/device.ts";
import { formatInterrupts, formatTable } from "../../../observe/report/tables.ts";
import { SECTOR_SIZE } from "../../../wire/numbers.ts";
import { counted } from "../../counted.ts";
import { disks, type Words } from "./names.ts";

export const FILES: Readonly<Record<string, (guest: GuestContext) => string>> = {
  "/proc/interrupts": (guest) => formatInterrupts(guest.irq.table()),
  "/proc/ioports": (guest) => claims(guest, (end) => end <= 0x1_0000, 4),
  "/proc/iomem": (guest) => claims(guest, (end) => end > 0x1_0000, 8),
  "/proc/meminfo": ({ memory }) =>
    `MemTotal: ${memory.ram.size / 1024} kB\nMemFree:  ${memory.freeBytes / 1024} kB`,
};

export function cat(guest: GuestContext, [name = ""]: Words): string {
  const file = FILES[name];
  if (file === undefined)
    throw new UsageError(`no file "${name}"; there are ${Object.keys(FILES).join(", ")}`);
  return file(guest);
}

export function lsblk(guest: GuestContext): string {
  const rows = [...disks(guest)].map(([name, disk]) => [
    name,
    disk.capacitySectors * SECTOR_SIZE,
    disk.readOnly ? "read-only" : "",
    disk.writeback ? "write-back" : "write-through",
    counted(disk.facts.queues, "queue"),
  ]);
  return rows.length === 0 ? "no disks" : formatTable(["disk", "bytes", "", "cache", ""], rows);
}

function claims(guest: GuestContext, belongs: (end: number) => boolean, digits: number): string {
  const hex = (value: number) => value.toString(16).padStart(digits, "0");
  return guest.pci.resources.claims
    .filter(({ end }) => belongs(end))
    .map(({ first, end, owner }) => `${hex(first)}-${hex(end - 1)} : ${owner}`)
    .join("\n");
}
