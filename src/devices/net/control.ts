/** The control queue: receive filters, MAC address, VLANs, announcement and queue pairs [5.1.6.5]. */
import type { Chain, DeviceContext, DeviceQueue } from "../../host/index.ts";
import { getU16, getU32 } from "../../wire/bytes.ts";
import { hasFeature } from "../../wire/features.ts";
import { CTRL, CTRL_ERR, CTRL_OK, MAC_BYTES, NET_CONFIG, NET_FEATURE, VLAN_IDS } from "../../wire/net.ts";
import type { RxModes } from "./filter.ts";
import type { NetState } from "./state.ts";

/** The longest command is a MAC table; one longer than this holds more addresses than there are on any wire. */
const COMMAND_BYTES_MAX = 65536;
const COMMAND_HEAD_BYTES = 2;

/** Each mode's command, and the feature that it needs. */
const MODES: Readonly<Record<number, { mode: keyof RxModes; feature: number }>> = {
  [CTRL.RX.PROMISC]: { mode: "promiscuous", feature: NET_FEATURE.CTRL_RX },
  [CTRL.RX.ALLMULTI]: { mode: "allMulticast", feature: NET_FEATURE.CTRL_RX },
  [CTRL.RX.ALLUNI]: { mode: "allUnicast", feature: NET_FEATURE.CTRL_RX_EXTRA },
  [CTRL.RX.NOMULTI]: { mode: "noMulticast", feature: NET_FEATURE.CTRL_RX_EXTRA },
  [CTRL.RX.NOUNI]: { mode: "noUnicast", feature: NET_FEATURE.CTRL_RX_EXTRA },
  [CTRL.RX.NOBCAST]: { mode: "noBroadcast", feature: NET_FEATURE.CTRL_RX_EXTRA },
};

export interface ControlActions {
  setMac(mac: Uint8Array): void;
  announced(): void;
}

export function serveControl(
  queue: DeviceQueue,
  context: DeviceContext,
  state: NetState,
  actions: ControlActions,
): void {
  const has = (feature: number) => hasFeature(context.features, feature);

  function obey(command: Uint8Array): boolean {
    const [group, what = 0] = command;
    const data = command.subarray(COMMAND_HEAD_BYTES);
    switch (group) {
      case CTRL.RX.id:
        return setMode(what, data);
      case CTRL.MAC.id:
        if (what === CTRL.MAC.ADDR_SET) return setMac(data);
        return what === CTRL.MAC.TABLE_SET && setMacTables(data);
      case CTRL.VLAN.id:
        return (what === CTRL.VLAN.ADD || what === CTRL.VLAN.DEL) && setVlan(data, what === CTRL.VLAN.ADD);
      case CTRL.ANNOUNCE.id:
        return what === CTRL.ANNOUNCE.ACK && acknowledgeAnnouncement();
      case CTRL.MQ.id:
        return what === CTRL.MQ.VQ_PAIRS_SET && setPairs(data);
      default:
        return false;
    }
  }

  function setMode(what: number, data: Uint8Array): boolean {
    const command = MODES[what];
    if (command === undefined || !has(command.feature) || data.length !== 1) return false;
    state.filter.modes[command.mode] = data[0] !== 0;
    return true;
  }

  function setMac(data: Uint8Array): boolean {
    if (!has(NET_FEATURE.CTRL_MAC_ADDR) || data.length !== MAC_BYTES) return false;
    actions.setMac(data);
    return true;
  }

  function setMacTables(data: Uint8Array): boolean {
    if (!has(NET_FEATURE.CTRL_RX)) return false;
    const unicast = readTable(data);
    const multicast = unicast && readTable(unicast.rest);
    if (unicast === undefined || multicast === undefined || multicast.rest.length > 0) return false;
    state.filter.setTables(unicast.table, multicast.table);
    return true;
  }

  function setVlan(data: Uint8Array, wanted: boolean): boolean {
    const id = getU16(data, 0);
    if (!has(NET_FEATURE.CTRL_VLAN) || data.length !== 2 || id >= VLAN_IDS) return false;
    state.filter.setVlan(id, wanted);
    return true;
  }

  function acknowledgeAnnouncement(): boolean {
    if (!has(NET_FEATURE.GUEST_ANNOUNCE)) return false;
    actions.announced();
    return true;
  }

  function setPairs(data: Uint8Array): boolean {
    const pairs = getU16(data, 0);
    if (!has(NET_FEATURE.MQ) || data.length !== 2) return false;
    if (pairs < 1 || pairs > getU16(context.config, NET_CONFIG.maxVirtqueuePairs)) return false;
    state.activePairs = pairs;
    return true;
  }

  function answer(chain: Chain): void {
    const problem = commandProblem(chain);
    if (problem !== undefined) {
      context.violated({ kind: "request-format", queue: queue.index, detail: problem });
      queue.push(chain, 0);
      return;
    }
    const command = new Uint8Array(chain.readableBytes);
    chain.read(0, command);
    const ok = obey(command);
    state.counters.commands++;
    if (!ok) state.counters.commandErrors++;
    chain.write(chain.writableBytes - 1, Uint8Array.of(ok ? CTRL_OK : CTRL_ERR));
    queue.push(chain, 1);
  }

  queue.serve(answer);
}

function commandProblem({ readableBytes, writableBytes }: Chain): string | undefined {
  if (readableBytes < COMMAND_HEAD_BYTES || readableBytes > COMMAND_BYTES_MAX) {
    return `a command of ${readableBytes} bytes`;
  }
  return writableBytes < 1 ? "no writable byte for a command's answer" : undefined;
}

/** A count and as many addresses; what follows is in `rest`. */
function readTable(data: Uint8Array): { table: Uint8Array[]; rest: Uint8Array } | undefined {
  if (data.length < 4) return undefined;
  const count = getU32(data, 0);
  if (count > (data.length - 4) / MAC_BYTES) return undefined;
  const at = (index: number) => 4 + MAC_BYTES * index;
  const table = Array.from({ length: count }, (_, index) => data.slice(at(index), at(index + 1)));
  return { table, rest: data.subarray(at(count)) };
}
