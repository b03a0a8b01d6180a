/** The network driver: reads the device's facts, sets up its queues, and hands out a `Nic`. */
import { defineDriver } from "../../guest/define.ts";
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import { getU16 } from "../../wire/bytes.ts";
import { featureMask, hasFeature } from "../../wire/features.ts";
import { DEFAULT_MTU, formatMac, MAC_BYTES, NET_CONFIG, NET_FEATURE } from "../../wire/net.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import { Nic } from "./nic.ts";

const { GSO: _anySegmentation, ...KNOWN } = NET_FEATURE;

export const net = defineDriver<Nic>({
  name: "virtio_net",
  deviceId: VIRTIO_TYPE.net.id,
  features: featureMask(...Object.values(KNOWN)),
  probe: (device) => new Nic(device, { mac: readMac(device), mtu: readMtu(device) }),
  remove: (_device, nic) => nic.remove(),
  outstanding: (nic) => nic.outstanding,
  parts: (nic) => Array.from({ length: nic.queuePairsMax }, (_, pair) => [2 * pair, 2 * pair + 1]),
  gaveAway: (nic, queues) => nic.gaveAway(queues),
  partStarted: (nic) => nic.started(),
  broken: (nic, reason) => nic.broken(reason),
  configChanged: (_device, nic) => nic.configChanged(),
});

/** A device without an address is given one: locally administered, by its number on the bus. */
function readMac(device: VirtioDevice): string {
  if (hasFeature(device.features, NET_FEATURE.MAC)) return readTwice(() => formatMac(readBytes(device)));
  const mac = Uint8Array.of(0x02, 0, 0, 0, 0, Number(/\d+$/.exec(device.name)?.[0] ?? 0));
  device.transport.setConfig(NET_CONFIG.mac, mac);
  return formatMac(mac);
}

function readBytes(device: VirtioDevice): Uint8Array {
  const mac = new Uint8Array(MAC_BYTES);
  device.transport.getConfig(NET_CONFIG.mac, mac);
  return mac;
}

const MAC_TRIES = 8;

/** There is no generation count on a legacy device: a wide field is read until two readings agree [2.5.4]. */
function readTwice(read: () => string): string {
  let before = read();
  for (let tries = 0; tries < MAC_TRIES; tries++) {
    const now = read();
    if (now === before) return now;
    before = now;
  }
  return before;
}

function readMtu(device: VirtioDevice): number {
  if (!hasFeature(device.features, NET_FEATURE.MTU)) return DEFAULT_MTU;
  const mtu = new Uint8Array(2);
  device.transport.getConfig(NET_CONFIG.mtu, mtu);
  return getU16(mtu, 0);
}
