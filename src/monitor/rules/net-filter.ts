/** Network devices: what a driver said that it wants to receive, and what it gets all the same [5.1.9.5.1, .2]. */
import { CTRL_OK, MAC_BYTES } from "../../wire/net.ts";
import type { Device } from "../model.ts";
import type { Moments, Verdict } from "../moments.ts";
import { getU32 } from "../peek.ts";
import type { NetFilter } from "../session.ts";
import { CTRL, command, isCommand, isControl, onNet, received } from "./net-parts.ts";

/** Longer tables a device may take for "all of them". */
const TABLE_MAX = 64;
const BROADCAST = "ffffffffffff";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const on = ({ modes }: NetFilter, mode: number): boolean => modes.get(mode) === 1;

/** The destination of a frame that comes in while promiscuous mode is off, as the driver said. */
function destination(moment: Moments["used"]): string | undefined {
  const { device } = moment;
  // Whether a frame came before a command or after it is told by the device's own side alone.
  if (!device.watched.includes("device") || device.session.net.filter.modes.get(CTRL.RX.PROMISC) !== 0)
    return undefined;
  const start = received(moment)?.start;
  return start === undefined || start.length < MAC_BYTES ? undefined : text(start.subarray(0, MAC_BYTES));
}

const isMulticast = (address: string): boolean => (Number.parseInt(address.slice(0, 2), 16) & 1) === 1;

function ownAddress(device: Device): string | undefined {
  const { macSet } = device.session.net;
  if (macSet !== undefined) return text(macSet);
  const bytes = Array.from({ length: MAC_BYTES }, (_, at) => device.configByte(at));
  return bytes.includes(undefined) ? undefined : text(Uint8Array.from(bytes as number[]));
}

/** Neither broadcast, nor of a kind that is wanted whole, nor the device's own, nor in its table. */
function isForOthers(device: Device, address: string): boolean {
  const { filter } = device.session.net;
  if (address === BROADCAST || filter.table.size > TABLE_MAX || filter.table.has(address)) return false;
  if (isMulticast(address)) return !on(filter, CTRL.RX.ALLMULTI) && !on(filter, CTRL.RX.NOMULTI);
  const own = ownAddress(device);
  return own !== undefined && own !== address && !on(filter, CTRL.RX.ALLUNI) && !on(filter, CTRL.RX.NOUNI);
}

/** A rule about frames for others, by where their address was listed before. */
const onForeign = (id: string, listed: "in this session" | "before the reset" | "nowhere") =>
  onNet(id, "used", (moment) => {
    const address = destination(moment);
    const { device } = moment;
    if (address === undefined || !isForOthers(device, address)) return false;
    const { former } = device.session.net.filter;
    const before = device.previous?.net.filter;
    const where = former.has(address)
      ? "in this session"
      : before?.table.has(address)
        ? "before the reset"
        : "nowhere";
    return where === listed && `a frame for ${address}, which was listed ${where}`;
  });

export const netFilterRules = [
  onNet("NET-DEV-34", "used", (moment): Verdict => {
    const address = destination(moment);
    if (address === undefined) return false;
    const [mode, name] =
      address === BROADCAST
        ? [CTRL.RX.NOBCAST, "broadcast"]
        : isMulticast(address)
          ? [CTRL.RX.NOMULTI, "multicast"]
          : [CTRL.RX.NOUNI, "unicast"];
    return on(moment.device.session.net.filter, mode) && `a ${name} frame, and none is wanted`;
  }),
  onForeign("NET-DEV-35", "before the reset"),
  onForeign("NET-DEV-36", "in this session"),
  onForeign("NET-DEV-38", "nowhere"),
];

/** Not rules: what the driver asked for and got. */
export const netFilterNotes = [
  onNet("", "used", ({ device, queue, element, peek }) => {
    const { chain } = element;
    const found = isControl(device, queue) && chain !== undefined ? command(chain, peek) : undefined;
    if (found === undefined || chain === undefined || peek.bytes(chain.writable, 0, 1)[0] !== CTRL_OK) return;
    const { filter } = device.session.net;
    if (isCommand(found, CTRL.RX)) filter.modes.set(found.command, found.data[0] ?? 0);
    else if (isCommand(found, CTRL.MAC, CTRL.MAC.TABLE_SET)) {
      for (const address of filter.table) filter.former.add(address);
      filter.table = new Set(addressesOf(found.data));
    }
  }),
];

/** Of two tables, unicast and multicast, one behind the other. */
function* addressesOf(data: Uint8Array): Generator<string> {
  for (let at = 0, tables = 0; tables < 2 && at + 4 <= data.length; tables++) {
    const count = getU32(data, at);
    at += 4;
    for (let k = 0; k < count && at + MAC_BYTES <= data.length; k++, at += MAC_BYTES)
      yield text(data.subarray(at, at + MAC_BYTES));
  }
}
