/** virtio-net's options: a back-end by name or by path, and what the device offers. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type DeviceOptions, defineDevice, type Platform, UsageError } from "../../host/index.ts";
import { MTU_MAX, MTU_MIN, parseMac } from "../../wire/net.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import type { NetBackend, NetBackendDefinition } from "./backend.ts";
import { CaptureWriter } from "./capture-writer.ts";
import { hubBackend } from "./hub-backend.ts";
import { loopBackend } from "./loop-backend.ts";
import { NET_FEATURE_GROUP, NetModel } from "./model.ts";
import { pcapBackend } from "./pcap-backend.ts";
import { recorded } from "./recorded.ts";
import { Responder } from "./responder.ts";
import { socketBackend } from "./socket-backend.ts";

/** A multiqueue device has a vector for each queue: this many pairs fit in an MSI-X table of 64. */
const PAIRS_MAX = 30;

type FeatureGroup = keyof typeof NET_FEATURE_GROUP;

export default defineDevice({
  name: "net",
  virtioId: VIRTIO_TYPE.net.id,
  summary: "network device: loop, hub, capture file or socket",
  options: {
    backend: { type: "string", help: "loop, hub, pcap, socket, or the path of a module", default: "loop" },
    mac: { type: "string", help: "address; by default 52:54:00:12:34:56 and those after it" },
    link: { type: ["up", "down"], help: "whether the cable is plugged in", default: "up" },
    mtu: { type: "number", help: "offered to the driver and enforced; without it frames of any size pass" },
    queues: { type: "number", help: "queue pairs; more than 1 offers multiqueue", default: 1 },
    checksum: { type: "boolean", help: "checksum offload, both ways", default: true },
    segmentation: { type: "boolean", help: "TCP and UDP segmentation offload, both ways", default: true },
    mergeable: { type: "boolean", help: "frames over several receive buffers", default: true },
    control: { type: "boolean", help: "control queue", default: true },
    responder: { type: "boolean", help: "backend=loop: answers ARP and ping at ip", default: false },
    ip: { type: "string", help: "the responder's IPv4 address", default: "10.0.2.2" },
    hub: {
      type: "string",
      help: "backend=hub: devices that name the same hub hear one another",
      default: "0",
    },
    replay: { type: "string", help: "backend=pcap: capture file whose frames come in (pcap or pcapng)" },
    record: { type: "string", help: "any backend: pcapng file for all frames, both ways" },
    connect: { type: "string", help: "backend=socket: HOST:PORT, or the path of a unix socket" },
    listen: { type: "string", help: "backend=socket: where to wait for the peer instead" },
    args: { type: "string", help: "for a back-end module of yours", default: "" },
  },
  async create(options, platform) {
    const mac = checkedMac(options.mac);
    const pairs = checked("queues", options.queues ?? 1, 1, PAIRS_MAX);
    const mtu = options.mtu === undefined ? undefined : checked("mtu", options.mtu, MTU_MIN, MTU_MAX);
    checkUnused(options);
    const backend = await withRecorder(options, platform, await openBackend(options, platform));
    return new NetModel(backend, {
      mac,
      pairs,
      linkUp: options.link !== "down",
      without: switchedOff(options),
      ...(mtu !== undefined && { mtu }),
    });
  },
});

async function openBackend(options: DeviceOptions, platform: Platform): Promise<NetBackend> {
  const name = String(options.backend ?? "loop");
  switch (name) {
    case "loop":
      return loopBackend(options.responder === true ? new Responder(String(options.ip ?? "")) : undefined);
    case "hub":
      return hubBackend(String(options.hub ?? "0"), platform);
    case "pcap":
      return pcapBackend(text(options.replay));
    case "socket": {
      const connect = text(options.connect);
      const listen = text(options.listen);
      return socketBackend({
        ...(connect !== undefined && { connect }),
        ...(listen !== undefined && { listen }),
      });
    }
    default:
      return loadBackend(name, String(options.args ?? ""));
  }
}

async function loadBackend(name: string, args: string): Promise<NetBackend> {
  if (!/[/\\.]/.test(name)) {
    throw new UsageError(
      `net: unknown backend "${name}"; known are loop, hub, pcap, socket, or a module's path`,
    );
  }
  const url = name.startsWith("file:") ? name : pathToFileURL(resolve(name)).href;
  let definition: Partial<NetBackendDefinition> | undefined;
  try {
    definition = ((await import(url)) as { default?: Partial<NetBackendDefinition> }).default;
  } catch (error) {
    throw new UsageError(`net: backend ${name} cannot be loaded: ${(error as Error).message}`);
  }
  if (typeof definition?.open !== "function") {
    throw new UsageError(`net: backend ${name}: expected \`export default defineNetBackend({ … })\``);
  }
  return definition.open({ args });
}

async function withRecorder(options: DeviceOptions, platform: Platform, backend: NetBackend) {
  const path = text(options.record);
  if (path === undefined) return backend;
  // Wall-clock time, and monotonic all the same.
  const origin = Date.now() - platform.now();
  const now = () => BigInt(Math.round((origin + platform.now()) * 1000)) * 1000n;
  try {
    return recorded(backend, new CaptureWriter(path, "virtlab", now));
  } catch (error) {
    await backend.close?.();
    throw new UsageError(`net: record=${path} cannot be written: ${(error as Error).message}`);
  }
}

/** An option that its back-end would never look at is a mistake. */
function checkUnused(options: DeviceOptions): void {
  const uses = { replay: "pcap", connect: "socket", listen: "socket" } as const;
  for (const [option, backend] of Object.entries(uses)) {
    if (options[option] !== undefined && options.backend !== backend) {
      throw new UsageError(`net: ${option} goes with backend=${backend}, found backend=${options.backend}`);
    }
  }
  if (options.responder === true && (options.backend ?? "loop") !== "loop") {
    throw new UsageError(`net: responder goes with backend=loop, found backend=${options.backend}`);
  }
}

function switchedOff(options: DeviceOptions): number {
  return (Object.keys(NET_FEATURE_GROUP) as FeatureGroup[])
    .filter((group) => options[group] === false)
    .reduce((mask, group) => mask | NET_FEATURE_GROUP[group], 0);
}

const text = (value: DeviceOptions[string]): string | undefined =>
  value === undefined ? undefined : String(value);

function checked(name: string, value: DeviceOptions[string], min: number, max: number): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  throw new UsageError(`net: expected ${name} to be a whole number from ${min} to ${max}, found ${value}`);
}

/** Devices of this host so far that were given no address. */
let unnamed = 0;

function checkedMac(value: DeviceOptions[string]): Uint8Array {
  if (value === undefined) return Uint8Array.of(0x52, 0x54, 0x00, 0x12, 0x34, 0x56 + (unnamed++ % 0x80));
  const mac = parseMac(String(value));
  if (mac === undefined || ((mac[0] ?? 0) & 1) !== 0) {
    throw new UsageError(
      `net: expected mac to be a unicast address such as 52:54:00:12:34:56, found "${value}"`,
    );
  }
  return mac;
}
