/**
 * `hub`: the network devices of one machine that name the same hub hear one another, all of them everything. A
 * device whose driver has no receive buffers loses the frame, which its own counters tell; the others get it.
 */
import type { Platform } from "../../host/index.ts";
import type { NetBackend, NetPort } from "./backend.ts";

/** By machine, for which its platform stands, and by name. */
const hubs = new WeakMap<Platform, Map<string, Set<NetPort>>>();

export function hubBackend(name: string, platform: Platform): NetBackend {
  const ports = hubOf(name, platform);
  let own: NetPort | undefined;
  return {
    takesOffloads: true,
    attach(port) {
      own = port;
      ports.add(port);
    },
    send(packet) {
      for (const port of ports) if (port !== own) port.offer(packet);
    },
    close() {
      if (own !== undefined) ports.delete(own);
    },
    describe: () => ({ hub: name, ports: ports.size }),
  };
}

function hubOf(name: string, platform: Platform): Set<NetPort> {
  const named = hubs.get(platform) ?? new Map<string, Set<NetPort>>();
  const ports = named.get(name) ?? new Set<NetPort>();
  named.set(name, ports);
  hubs.set(platform, named);
  return ports;
}
