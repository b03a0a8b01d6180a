/**
 * v86, an x86 PC in WebAssembly (npm package `v86`, an optional dependency): started bare, with the few members of
 * its CPU that a device on its bus needs. They are not part of v86's public interface, so its version is pinned.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { UsageError } from "../../host/device.ts";

/** What v86 calls for each access to a port, with `device` as `this`. Reads get the port, writes the value alone. */
export interface V86Port {
  read8(port: number): number;
  read16(port: number): number;
  read32(port: number): number;
  write8(value: number): void;
  write16(value: number): void;
  write32(value: number): void;
  device: unknown;
}

export type MemoryMap<Handler> = (Handler | undefined)[];

export interface V86Cpu {
  readonly wasm_memory: { readonly buffer: ArrayBuffer };
  /** Guest RAM. A proxy that builds a view at each use. */
  readonly mem8: { readonly byteOffset: number };
  readonly memory_size: { readonly 0: number };
  readonly io: { readonly ports: V86Port[]; create_empty_entry(): V86Port };
  /** Handlers of addresses that are not RAM, by block of 128 KiB. */
  readonly memory_map_read8: MemoryMap<(address: number) => number>;
  readonly memory_map_read32: MemoryMap<(address: number) => number>;
  readonly memory_map_write8: MemoryMap<(address: number, value: number) => void>;
  readonly memory_map_write32: MemoryMap<(address: number, value: number) => void>;
  readonly devices: {
    readonly pci: {
      readonly pci_addr32: { readonly 0: number };
      /** Configuration spaces of v86's own functions, by bus, device and function. */
      readonly device_spaces: readonly unknown[];
      readonly isa_bridge_space8: { readonly [at: number]: number };
    };
    /** Not there without ACPI. */
    readonly acpi?: { readonly gpe: Uint8Array };
  };
  device_raise_irq(irq: number): void;
  device_lower_irq(irq: number): void;
  get_apic_addr(): number;
  handle_irqs(): void;
  jit_dirty_cache(start: number, end: number): void;
}

export interface V86 {
  /** `do_tick` runs the guest for a while, from a timer of v86's. */
  readonly v86: { readonly cpu: V86Cpu; do_tick(): void };
  run(): Promise<void>;
  stop(): Promise<void>;
  destroy(): Promise<void>;
  save_state(): Promise<ArrayBuffer>;
  restore_state(state: ArrayBuffer): Promise<void>;
  add_listener(event: string, listener: (value: number) => void): void;
  serial_send_bytes(line: number, bytes: Uint8Array): void;
}

export interface V86Options {
  readonly memory: number;
  readonly bios: Uint8Array;
  readonly kernel?: Uint8Array;
  readonly initrd?: Uint8Array;
  readonly commandLine: string;
  readonly acpi: boolean;
}

/** A PC that has not run yet. */
export async function newV86(options: V86Options): Promise<V86> {
  const library = findV86();
  const { V86 } = (await import(pathToFileURL(library).href)) as { V86: new (options: unknown) => V86 };
  const emulator = new V86({
    wasm_path: join(dirname(library), "v86.wasm"),
    memory_size: options.memory,
    vga_memory_size: 1 << 20,
    bios: { buffer: bufferOf(options.bios) },
    ...(options.kernel && { bzimage: { buffer: bufferOf(options.kernel) } }),
    ...(options.initrd && { initrd: { buffer: bufferOf(options.initrd) } }),
    cmdline: options.commandLine,
    acpi: options.acpi,
    uart1: true,
    autostart: false,
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
    net_device: { type: "none" },
  });
  await new Promise<void>((resolve) => emulator.add_listener("emulator-loaded", () => resolve()));

  return emulator;
}

/** The library's file. Throws `UsageError` where the optional dependency was left out. */
export function findV86(): string {
  try {
    return createRequire(import.meta.url).resolve("v86");
  } catch {
    throw new UsageError("the optional package v86 is not installed: npm install v86");
  }
}

export async function v86Version(): Promise<string> {
  const manifest = join(dirname(findV86()), "..", "package.json");
  return (JSON.parse(await readFile(manifest, "utf8")) as { version: string }).version;
}

const bufferOf = (bytes: Uint8Array): ArrayBuffer => bytes.slice().buffer as ArrayBuffer;
