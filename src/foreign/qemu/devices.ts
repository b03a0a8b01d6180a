/** virtlab's device descriptions in QEMU's words: one row per device type, each with its back end. */
import { UsageError } from "../../host/device.ts";
import type { DeviceSpec } from "../../machine/description.ts";
import { nearestName } from "../../machine/nearest-name.ts";
import { FEATURE, hasFeature } from "../../wire/features.ts";
import { BLK_OPTIONS, blkBackEnd } from "./disk-image.ts";
import { type BackEnd, type Properties, propertyList } from "./properties.ts";
import type { Scratch } from "./scratch.ts";

/** What every device is told. */
export interface DeviceContext {
  readonly scratch: Scratch;
  /** Ring features that devices offer. */
  readonly transportFeatures: number;
  readonly transitional: boolean;
}

interface DeviceType {
  readonly driver: string;
  readonly hasVectors: boolean;
  /** Options that the back end understands; all others are QEMU's own properties of the device. */
  readonly options: readonly string[];
  backEnd(id: string, device: DeviceSpec, scratch: Scratch): BackEnd;
}

/** QEMU's smallest receive and transmit rings. */
const NET_QUEUE_MIN = 256;

const TYPES: Readonly<Record<string, DeviceType>> = {
  blk: { driver: "virtio-blk-pci", hasVectors: true, options: BLK_OPTIONS, backEnd: blkBackEnd },
  // All network devices that name the same hub (a number, as QEMU has it) hear one another; a socket's other end may
  // be a NIC of ours.
  net: {
    driver: "virtio-net-pci",
    hasVectors: true,
    options: ["backend", "hub", "listen", "connect"],
    backEnd: (id, { queueSize, options }) => ({
      args: ["-netdev", netBackEnd(`${id}-port`, options)],
      properties: {
        netdev: `${id}-port`,
        ...(queueSize >= NET_QUEUE_MIN && { rx_queue_size: Math.min(queueSize, 1024) }),
      },
    }),
  },
  rng: {
    driver: "virtio-rng-pci",
    hasVectors: true,
    options: [],
    backEnd: (id) => ({
      args: ["-object", `rng-builtin,id=${id}-source`],
      properties: { rng: `${id}-source` },
    }),
  },
  // Its other end is a socket: the user's, or one in the scratch folder.
  console: {
    driver: "virtio-serial-pci",
    hasVectors: true,
    options: ["ports", "max-ports", "listen", "connect"],
    backEnd: (id, { options }, scratch) => ({
      args: [
        "-chardev",
        ["socket", `id=${id}-tty`, ...propertyList(consoleSocket(options, `${id}.sock`, scratch))].join(","),
      ],
      properties: { max_ports: options["max-ports"] ?? options.ports ?? 1 },
      behind: ["-device", `virtconsole,chardev=${id}-tty,bus=${id}.0`],
    }),
  },
  // It has no MSI-X.
  balloon: {
    driver: "virtio-balloon-pci",
    hasVectors: false,
    options: [],
    backEnd: () => ({ args: [], properties: {} }),
  },
};

function netBackEnd(id: string, { backend = "hub", hub = 0, listen, connect }: Properties): string {
  if (backend === "hub") return ["hubport", ...propertyList({ hubid: hubNumber(hub), id })].join(",");
  if (backend !== "socket")
    throw new UsageError(`net: with QEMU the back-end is hub or socket, not "${backend}"`);
  const address = String(connect ?? listen ?? "");
  const tcp = /^(?<host>[^/]*):(?<port>\d+)$/.exec(address)?.groups;
  const place: Properties =
    tcp === undefined
      ? { "addr.type": "unix", "addr.path": address }
      : { "addr.type": "inet", "addr.host": tcp.host || "127.0.0.1", "addr.port": tcp.port ?? "" };
  return ["stream", ...propertyList({ id, server: connect === undefined, ...place })].join(",");
}

function hubNumber(hub: unknown): number {
  const number = Number(hub);
  if (!Number.isInteger(number)) throw new UsageError(`net: with QEMU a hub is a number, not "${hub}"`);
  return number;
}

function consoleSocket({ listen, connect }: Properties, name: string, scratch: Scratch): Properties {
  return connect === undefined
    ? { path: listen ?? scratch.path(name), server: "on", wait: "off" }
    : { path: connect, server: "off" };
}

export const QEMU_DEVICES = Object.keys(TYPES);

/** Devices are called d0, d1 … in order: what QMP commands name. */
export const deviceId = (index: number): string => `d${index}`;

export function deviceArgs(device: DeviceSpec, index: number, context: DeviceContext): string[] {
  const type = TYPES[device.type];
  if (type === undefined) {
    throw new UsageError(
      `QEMU device "${device.type}"${nearestName(device.type, QEMU_DEVICES)}; known are ${QEMU_DEVICES.join(", ")}`,
    );
  }
  const id = deviceId(index);
  const { args, properties, behind = [] } = type.backEnd(id, device, context.scratch);
  const all: Properties = {
    id,
    addr: device.slot.toString(16),
    "disable-modern": !context.transitional,
    "disable-legacy": "off",
    indirect_desc: hasFeature(context.transportFeatures, FEATURE.INDIRECT_DESC),
    event_idx: hasFeature(context.transportFeatures, FEATURE.EVENT_IDX),
    ...(device.vectors !== undefined && type.hasVectors && { vectors: device.vectors }),
    ...properties,
    ...Object.fromEntries(Object.entries(device.options).filter(([name]) => !type.options.includes(name))),
  };
  return [...args, "-device", [type.driver, ...propertyList(all)].join(","), ...behind];
}
